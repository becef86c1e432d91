"""Resources: every picture of the gallery as its PNG file, under `studio://images/<id>`, the same without its
background, under `studio://cutouts/<id>`, and the sheet of a grid, under `studio://grids/<id>`."""

import asyncio
from base64 import b64encode

from mcp.types import (
    BlobResourceContents,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ReadResourceResult,
    Resource,
    ResourceTemplate,
)

from illustrious_studio.domain.errors import NotFound
from illustrious_studio.interfaces.mcp.results import ADDRESS, CUTOUTS, GRIDS, link
from illustrious_studio.services.studio import Studio

PAGE = 50
LONGEST_TITLE = 100
TEMPLATES = ListResourceTemplatesResult(
    resource_templates=[
        ResourceTemplate(
            uri_template=f"{ADDRESS}{{image_id}}",
            name="picture",
            title="A picture of the gallery",
            description="The PNG file, its settings inside. The tool search_gallery finds ids.",
            mime_type="image/png",
        ),
        ResourceTemplate(
            uri_template=f"{CUTOUTS}{{image_id}}",
            name="cutout",
            title="A picture of the gallery without its background",
            description="A PNG file with alpha, cut out as it is read.",
            mime_type="image/png",
        ),
        ResourceTemplate(
            uri_template=f"{GRIDS}{{grid_id}}",
            name="sheet",
            title="The sheet of a grid",
            description="A PNG file: the grid's pictures side by side, labelled. The tool draw_grid makes one.",
            mime_type="image/png",
        ),
    ]
)


async def list_pictures(studio: Studio, cursor: str | None) -> ListResourcesResult:
    """A page, newest first."""
    page = await studio.gallery.page(cursor=cursor, limit=PAGE)
    return ListResourcesResult(
        resources=[
            Resource(
                uri=link(item).uri,
                name=link(item).name,
                title=item.metadata.request.prompt[:LONGEST_TITLE] or None,
                mime_type="image/png",
            )
            for item in page.items
        ],
        next_cursor=page.cursor,
    )


async def read_picture(studio: Studio, uri: str) -> ReadResourceResult:
    """The PNG file. Raises NotFound, and for a cutout what removing its background raises."""
    if uri.startswith(CUTOUTS):
        png = (await studio.cutouts.remove_background_of(uri.removeprefix(CUTOUTS))).png
    elif uri.startswith(GRIDS):
        png = await studio.grids.sheet(uri.removeprefix(GRIDS))
    elif uri.startswith(ADDRESS):
        png = await studio.gallery.png(uri.removeprefix(ADDRESS))
    else:
        raise NotFound(f"There is nothing at this address. Pictures are at {ADDRESS}<id>.")
    blob = (await asyncio.to_thread(b64encode, png)).decode("ascii")
    return ReadResourceResult(contents=[BlobResourceContents(uri=uri, mime_type="image/png", blob=blob)])

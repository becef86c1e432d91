"""The gallery: pages of pictures, each picture's settings, file and thumbnail. Files are named by id only."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from illustrious_studio.domain.gallery import GalleryItem, GalleryQuery
from illustrious_studio.domain.values import Moment, Value
from illustrious_studio.interfaces.rest.common import ItemId, StudioIn, errors, errors_of_body, image_link, link
from illustrious_studio.interfaces.shared.records import PictureMetadata

router = APIRouter(prefix="/gallery", tags=["Gallery"])

_FOREVER = "private, max-age=31536000, immutable"


class GalleryEntry(BaseModel):
    """A picture in the gallery, and where its files are."""

    id: str
    url: str
    thumbnail_url: str
    favourite: bool
    metadata: PictureMetadata


class GalleryEntries(BaseModel):
    """A page, newest first."""

    items: list[GalleryEntry]
    cursor: str | None = Field(description="Fetches the next page; null at the end.")


class LeftOutFile(BaseModel, from_attributes=True):
    """A file in the gallery's folder that is not among its pictures, and why."""

    file: str
    reason: str


class Reindexed(BaseModel):
    """The folder was read again, and the index rebuilt."""

    pictures: int = Field(description="How many pictures are in it now.")
    imported: int = Field(description="How many of them somebody had put into the folder since.")
    left_out: list[LeftOutFile] = Field(description="Files in the folder that are not among the pictures.")


class Favourite(Value):
    """Whether a picture is a favourite."""

    favourite: bool


def _entry(request: Request, item: GalleryItem) -> GalleryEntry:
    return GalleryEntry(
        id=item.id,
        url=image_link(request, item.id),
        thumbnail_url=link(request, f"/gallery/{item.id}/thumbnail"),
        favourite=item.favourite,
        metadata=PictureMetadata.of(item.metadata),
    )


@router.get("", summary="Browse or search", responses=errors())
async def browse(
    request: Request,
    studio: StudioIn,
    q: Annotated[str, Query(max_length=500, description="Words of the prompt, the checkpoint or the seed.")] = "",
    checkpoint: Annotated[str | None, Query(max_length=500)] = None,
    favourites: bool = False,
    from_chat: bool = False,
    session_id: Annotated[str | None, Query(max_length=100)] = None,
    grid_id: Annotated[str | None, Query(max_length=100, description="The pictures of one grid.")] = None,
    since: Moment | None = None,
    cursor: Annotated[str | None, Query(max_length=500, description="From the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> GalleryEntries:
    query = GalleryQuery(
        q=q,
        checkpoint=checkpoint,
        favourites=favourites,
        from_chat=from_chat,
        session_id=session_id,
        grid_id=grid_id,
        since=since,
    )
    page = await studio.gallery.page(query, cursor, limit)
    return GalleryEntries(items=[_entry(request, item) for item in page.items], cursor=page.cursor)


@router.post("/reindex", summary="Read the folder again", responses=errors(503, 507))
async def reindex(studio: StudioIn) -> Reindexed:
    """From the files alone: the folder is the truth. Pictures that somebody put there are taken in."""
    return Reindexed.model_validate(await studio.gallery.reindex(), from_attributes=True)


@router.get("/{item_id}", summary="A picture's settings", responses=errors(404))
async def read_item(item_id: ItemId, request: Request, studio: StudioIn) -> GalleryEntry:
    return _entry(request, await studio.gallery.get(item_id))


@router.get(
    "/{item_id}/image",
    summary="The PNG file",
    response_class=Response,
    responses={**errors(404), 200: {"content": {"image/png": {}}}},
)
async def read_image(item_id: ItemId, request: Request, studio: StudioIn) -> Response:
    item = await studio.gallery.get(item_id)
    headers = _headers(f'"{item.id}"', f"{item.stem}.png")
    if _has_it(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(await studio.gallery.png(item.id), media_type="image/png", headers=headers)


@router.get(
    "/{item_id}/thumbnail",
    summary="A small WebP",
    response_class=Response,
    responses={**errors(404), 200: {"content": {"image/webp": {}}}},
)
async def read_thumbnail(item_id: ItemId, request: Request, studio: StudioIn) -> Response:
    item = await studio.gallery.get(item_id)
    headers = _headers(f'"{item.id}-small"', f"{item.stem}.webp")
    if _has_it(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(await studio.gallery.thumbnail(item.id), media_type="image/webp", headers=headers)


@router.delete("/{item_id}", summary="Delete a picture", status_code=204, responses=errors(404))
async def delete_item(item_id: ItemId, studio: StudioIn) -> None:
    """`POST /gallery/{item_id}/restore` brings it back."""
    await studio.gallery.delete(item_id)


@router.post("/{item_id}/restore", summary="Bring a deleted picture back", responses=errors(404))
async def restore_item(item_id: ItemId, request: Request, studio: StudioIn) -> GalleryEntry:
    return _entry(request, await studio.gallery.restore(item_id))


@router.put("/{item_id}/favourite", summary="Mark a favourite", responses=errors_of_body(404))
async def set_favourite(item_id: ItemId, body: Favourite, request: Request, studio: StudioIn) -> GalleryEntry:
    return _entry(request, await studio.gallery.set_favourite(item_id, body.favourite))


def _headers(etag: str, name: str) -> dict[str, str]:
    """A picture never changes under its id, so a browser need never ask again."""
    return {"etag": etag, "cache-control": _FOREVER, "content-disposition": f'inline; filename="{name}"'}


def _has_it(request: Request, etag: str) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return etag in known or known == ["*"]

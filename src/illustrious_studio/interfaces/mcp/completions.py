"""Completion while a person types: pictures' ids, newest first. Other arguments are free words."""

from mcp.types import CompleteRequestParams, Completion, PromptReference

from illustrious_studio.domain.errors import NotFound
from illustrious_studio.interfaces.mcp.prompts import TASKS
from illustrious_studio.interfaces.mcp.resources import TEMPLATES
from illustrious_studio.services.studio import Studio

MOST_VALUES = 100
"""As the protocol allows."""
IMAGE_ID = "image_id"


async def completed(studio: Studio, params: CompleteRequestParams) -> Completion:
    """Raises NotFound for a prompt, an address or an argument that is not there."""
    if isinstance(params.ref, PromptReference):
        known = {task.name: tuple(task.arguments) for task in TASKS}.get(params.ref.name, ())
    else:
        known = (IMAGE_ID,) if params.ref.uri in {one.uri_template for one in TEMPLATES.resource_templates} else ()
    if params.argument.name not in known:
        raise NotFound(f"There is no argument {params.argument.name!r} here.")
    if params.argument.name != IMAGE_ID:
        return Completion(values=[])
    page = await studio.gallery.page(limit=MOST_VALUES)
    return Completion(values=[item.id for item in page.items if item.id.startswith(params.argument.value)])

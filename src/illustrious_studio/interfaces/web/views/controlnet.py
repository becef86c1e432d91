"""What Create offers for controls: the models that steer and the preprocessors, as its script reads them."""

from typing import Any

from illustrious_studio.domain.controls import ControlFile
from illustrious_studio.services.studio import Studio

KINDS = {
    "controlnet": "ControlNet",
    "controlnet-union": "ControlNet-Union",
    "t2i-adapter": "T2I-Adapter",
    "ip-adapter": "IP-Adapter",
}


async def offered(studio: Studio) -> dict[str, Any]:
    """Both lists, and where a file belongs where there is none."""
    missing = await studio.preprocessing.missing()
    return {
        "models": [_model(one) for one in await studio.controls.controls()],
        "preprocessors": [
            {
                "name": one.name,
                "label": one.label,
                "about": missing.get(one.network, one.about) if one.network else one.about,
                "missing": one.network in missing,
                "threshold_a": one.threshold_a and one.threshold_a.model_dump(),
                "threshold_b": one.threshold_b and one.threshold_b.model_dump(),
            }
            for one in studio.preprocessing.preprocessors()
        ],
        "folder": "the folder models/controlnet of the data folder, or controlnet beside your checkpoints",
    }


def _model(file: ControlFile) -> dict[str, Any]:
    says = KINDS[file.kind] + ("" if file.base else ", not SDXL")
    return {"name": file.name, "kind": file.kind, "says": says, "union_types": file.union_types}

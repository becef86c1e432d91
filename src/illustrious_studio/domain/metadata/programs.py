"""What each program writes into its pictures, brought to fields by name. One reader a program; none raises.

The values stay as the program wrote them, and most names do, too: what they mean is in `recorded`. A reader here only
finds where the settings are, and says in one word each what of them nobody here understands.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from illustrious_studio.domain.loras import lora_of_another_program, with_loras
from illustrious_studio.domain.metadata import comfyui
from illustrious_studio.domain.metadata.carried import LONGEST_TEXT, PARAMETERS
from illustrious_studio.domain.metadata.infotext import read_infotext

Text = Mapping[str, str]

A1111 = "A1111 parameters"
"""The source of what is A1111's own text."""


@dataclass(frozen=True)
class Found:
    """Which program it was, its fields, and what else there is that is not read."""

    source: str
    fields: Mapping[str, object] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def found_in(text: Text) -> Found | None:
    """What the first reader finds that finds settings; of a known program's text that is not understood, its name."""
    for read in _READERS:
        if (found := read(text)) is not None:
            return found
    return next((Found(source, {}, (key,)) for key, source in _KNOWN.items() if text.get(key, "").strip()), None)


def _a1111(text: Text) -> Found | None:
    """A1111's text, which Forge, SD.Next, reForge and most others write, too."""
    value = text.get(PARAMETERS, "")
    if not value.strip() or _json(value) is not None:
        return None
    said = read_infotext(value)
    return Found(A1111, {"Prompt": said.prompt, "Negative prompt": said.negative_prompt, **said.fields})


def _swarmui(text: Text) -> Found | None:
    alone = _json(text.get("sui_image_params", ""))
    settings = (_json(text.get(PARAMETERS, "")) or {}).get("sui_image_params", alone)
    if not isinstance(settings, dict):
        return None
    names, weights = (_listed(settings.get(key)) for key in ("loras", "loraweights"))
    return _with_loras("SwarmUI", settings, [(name, *weights[at : at + 1]) for at, name in enumerate(names)])


def _draw_things(text: Text) -> Found | None:
    settings = _json(text.get(PARAMETERS, ""))
    if settings is None or not {"c", "uc"} <= settings.keys():
        return None
    width, _, height = str(settings.get("size", "")).partition("x")
    return Found("Draw Things", {"prompt": settings.get("c"), **settings, "width": width, "height": height})


def _easy_diffusion(text: Text) -> Found | None:
    """A chunk a field in PNG files, JSON in others."""
    settings: Mapping[str, Any] = _json(text.get(PARAMETERS, "")) or text
    if "num_inference_steps" not in settings or "prompt" not in settings:
        return None
    skips = {"true": 2, "false": 1}.get(str(settings.get("clip_skip")).lower())
    own = {
        "Model": settings.get("use_stable_diffusion_model"),
        "clip_skip": skips,
        "vae": settings.get("use_vae_model"),
    }
    names = [name for name in _listed(settings.get("use_lora_model")) if name not in ("", "None")]
    weights = _listed(settings.get("lora_alpha"))
    known = {**settings, **{key: value for key, value in own.items() if value is not None}}
    return _with_loras("Easy Diffusion", known, [(name, *weights[at : at + 1]) for at, name in enumerate(names)])


def _fooocus(text: Text) -> Found | None:
    """Its own scheme, and that of its fork MRE, which has it under the name of NovelAI's."""
    if (settings := _json(text.get(PARAMETERS, ""))) is not None:
        return _with_loras("Fooocus", settings, [_listed(one)[:2] for one in _listed(settings.get("loras"))])
    settings = _json(text.get("Comment", "")) or {}
    return Found("Fooocus", settings) if str(settings.get("software", "")).startswith("Fooocus") else None


def _invokeai(text: Text) -> Found | None:
    settings = _json(text.get("invokeai_metadata", ""))
    if settings is None:
        return None
    model = settings.get("model")
    name = model.get("name") if isinstance(model, dict) else None
    loras = [one for one in _listed(settings.get("loras")) if isinstance(one, dict)]
    named = [(one.get("model") or one.get("lora") or {}, one.get("weight", 1)) for one in loras]
    said = [(of.get("name") or of.get("model_name"), weight) for of, weight in named if isinstance(of, dict)]
    return _with_loras("InvokeAI", {**settings, "Model": name}, said or [(None,)] * len(loras))


def _textgen(text: Text) -> Found | None:
    settings = _json(text.get("image_gen_settings", ""))
    return None if settings is None else Found("TextGen", settings)


def _novelai(text: Text) -> Found | None:
    settings = _json(text.get("Comment", ""))
    if settings is None:
        return None
    words = settings.get("v4_prompt")
    caption = words.get("caption") if isinstance(words, dict) else None
    others = caption.get("char_captions") if isinstance(caption, dict) else None
    return Found(
        "NovelAI", {"prompt": text.get("Description", ""), **settings}, ("character prompts",) if others else ()
    )


def _with_loras(source: str, fields: Mapping[str, object], loras: Sequence[Sequence[object]]) -> Found:
    """The LoRAs, each a name and, where it is said, a weight, written into the prompt: there the studio has them."""
    choices = [lora_of_another_program(*one) if one else None for one in loras]
    fields = {name: value for name, value in fields.items() if name != "loras"}
    key = next((name for name in ("positive_prompt", "prompt") if isinstance(fields.get(name), str)), "prompt")
    prompt = with_loras(str(fields.get(key) or ""), [one for one in choices if one is not None])
    return Found(source, {**fields, key: prompt} if choices else fields, ("lora",) if None in choices else ())


def _listed(value: object) -> list[Any]:
    """A list; of text, which says it in Python's or JSON's words or by commas, its parts; one thing alone."""
    if isinstance(value, str):
        return [part.strip(" '\"") for part in value.strip("[]").split(",")] if value.strip("[] ") else []
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


def _comfyui(text: Text) -> Found | None:
    read = comfyui.fields_of(_json(text.get("prompt", "")) or {})
    return None if read is None else Found("ComfyUI", *read)


_READERS: tuple[Callable[[Text], Found | None], ...] = (
    _swarmui,
    _draw_things,
    _easy_diffusion,
    _fooocus,
    _a1111,
    _invokeai,
    _textgen,
    _novelai,
    _comfyui,
)
_KNOWN = {"workflow": "ComfyUI", "sd-metadata": "InvokeAI", "Dream": "InvokeAI"}
"""Text chunks that say which program wrote them and are not read."""


def _json(value: str) -> dict[str, Any] | None:
    """The object that the text is; None for any other."""
    if not value[:100].lstrip().startswith("{") or len(value) > LONGEST_TEXT:
        return None
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None

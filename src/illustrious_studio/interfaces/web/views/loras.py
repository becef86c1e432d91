"""The LoRA browser of Create: a card for each, to be put into the prompt by a press."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from illustrious_studio.domain.loras import LoraChoice, LoraFile
from illustrious_studio.domain.models import RefusedFile
from illustrious_studio.domain.values import printable
from illustrious_studio.interfaces.web.views.parts import act

NONE = (
    '<p class="quiet">No LoRAs yet. Put <code>.safetensors</code> files into <code>models/loras</code> of the data '
    "folder, then look again.</p>"
)


def cards(loras: Sequence[LoraFile], refused: Sequence[RefusedFile] = ()) -> str:
    again = act("loras_again", "", "Look again", style="small")
    not_offered = "".join(
        f"<li>{escape(printable(file.path.name))} cannot be used. {escape(file.reason)}</li>" for file in refused
    )
    if not_offered:
        not_offered = f'<ul class="refused quiet">{not_offered}</ul>'
    if not loras:
        return f'{NONE}<div class="buttons">{again}</div>{not_offered}'
    search = '<input id="lora-search" type="search" placeholder="Search" aria-label="Search LoRAs">'
    found = "".join(map(_card, loras))
    none = '<p class="quiet" id="no-lora" role="status" hidden>No LoRA has these words.</p>'
    return f'<div class="lora-head">{search}{again}</div>{none}<ul class="loras">{found}</ul>{not_offered}'


def weight(used: LoraChoice) -> str:
    """As its card shows it: of the text encoders and of the UNet, where they differ."""
    unet, encoders = used.weights
    return f"{unet:g}" if unet == encoders else f"{encoders:g}, {unet:g}"


def _card(lora: LoraFile) -> str:
    words = ", ".join(lora.trigger_words)
    facts = [escape(text) for text in (lora.base_name or lora.base, words) if text]
    searched = escape(" ".join([lora.name, lora.alias, lora.base_name, words, lora.description]).lower())
    picture = ""
    if lora.preview is not None:
        picture = f'<img loading="lazy" alt="" src="loras/{quote(lora.name, safe="")}/preview.webp">'
    used = "".join(
        [
            act("lora_less", lora.name, "−", title="Weight less", style="small"),
            act("lora", lora.name, "Use", title="Put it into the prompt, or take it out", style="small"),
            act("lora_more", lora.name, "+", title="Weight more", style="small"),
        ]
    )
    name = f'<strong title="{escape(lora.description or lora.name)}">{escape(lora.name)}</strong>'
    told = f'<span class="quiet">{" · ".join(facts)}</span>' if facts else ""
    return (
        f'<li data-lora="{escape(lora.name)}" data-words="{searched}">{picture}<div>{name}{told}</div>'
        f'<span class="lora-weight"></span><span class="buttons">{used}</span></li>'
    )

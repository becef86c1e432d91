"""The LoRA browser of Create: a card for each, to be put into the prompt by a press."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from illustrious_studio.domain.loras import LoraFile
from illustrious_studio.interfaces.web.views.parts import act

NONE = (
    '<p class="quiet">No LoRAs yet. Put <code>.safetensors</code> files into <code>models/loras</code> of the data '
    "folder, then look again.</p>"
)


def cards(loras: Sequence[LoraFile]) -> str:
    again = act("loras_again", "", "Look again", style="small")
    if not loras:
        return f'{NONE}<div class="buttons">{again}</div>'
    search = '<input id="lora-search" type="search" placeholder="Search" aria-label="Search LoRAs">'
    found = "".join(map(_card, loras))
    return f'<div class="lora-head">{search}{again}</div><ul class="loras">{found}</ul>'


def _card(lora: LoraFile) -> str:
    words = ", ".join(lora.trigger_words)
    facts = [escape(text) for text in (lora.base_name or lora.base, words) if text]
    searched = escape(" ".join([lora.name, lora.alias, lora.base_name, words]).lower())
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

"""ComfyUI's `prompt` chunk: the graph that was executed, by node id: `{"3": {"class_type": ..., "inputs": {...}}}`.

An input is a value or a link `[node id, output number]`. There is no list of settings in it: they are found by
following links from the sampler, whatever the nodes are called that somebody's extension put between. What was drawn
first, from an empty latent, is what is read; later passes, ControlNets and the like are named as not understood.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from illustrious_studio.domain.loras import lora_of_another_program, with_loras

LOOKED_AT = 2_000
"""Nodes that one search goes through at most: a graph may have loops when somebody made it by hand."""

_LATENT = ("latent_image", "samples", "latent")
_PARTS = ("noise", "guider", "sampler", "sigmas")
"""Where SamplerCustom has its settings."""
_TEXTS = ("text", "text_g", "text_l", "prompt", "string", "value", "populated_text", "wildcard_text", "positive")
_SIZE = (("width", "empty_latent_width"), ("height", "empty_latent_height"))
_NUMBERS = ("value", "seed", "noise_seed", "int", "float", "number", "Number")
_NOT_READ = {"control_net": "controlnet", "ipadapter": "ipadapter", "upscale_model": "upscaler"}
"""Inputs of nodes that change the picture in ways that are not read."""

Node = Mapping[str, Any]


def fields_of(graph: Mapping[str, object]) -> tuple[dict[str, object], tuple[str, ...]] | None:
    """The settings by names that other programs have, too, and what is in the graph besides; None when it has no
    sampler."""
    nodes = {str(key): node for key, node in graph.items() if isinstance(node, dict)}
    walk = _Graph({key: node for key, node in nodes.items() if isinstance(node.get("inputs"), dict)})
    samplers = [key for key in walk.nodes if _is_sampler(walk.inputs(key))] or [
        key for key in walk.nodes if {"sampler_name", "steps"} <= walk.inputs(key).keys()
    ]
    first = next((key for key in samplers if not any(walk.reaches(key, other, _LATENT) for other in samplers)), None)
    if first is None:
        return None
    positive, others = walk.text(first, "positive")
    negative, negative_others = walk.text(first, "negative")
    width, height = walk.size(first)
    fields: dict[str, object] = {
        "prompt": positive,
        "negative_prompt": negative,
        "steps": walk.value(first, ("steps",)),
        "sampler_name": walk.value(first, ("sampler_name",)),
        "schedule": walk.value(first, ("scheduler",)),
        "cfg_scale": walk.value(first, ("cfg",)),
        "seed": walk.value(first, ("seed", "noise_seed")),
        "width": width,
        "height": height,
        "clip_skip": walk.value(first, ("stop_at_clip_layer",), None),
        "Model": walk.value(first, ("ckpt_name", "unet_name"), None),
    }
    left_out = {"several prompts"} if others or negative_others else set()
    left_out |= {"later passes"} if len(samplers) > 1 else set()
    left_out |= {"image"} if walk.value(first, ("image",), (*_LATENT, "pixels")) else set()
    used = walk.upstream(first, None)
    loras = [walk.inputs(key) for key in reversed(used) if "lora_name" in walk.inputs(key)]
    choices = [
        lora_of_another_program(one["lora_name"], one.get("strength_model", 1), one.get("strength_clip"))
        for one in loras
    ]
    fields["prompt"] = with_loras(positive, [one for one in choices if one is not None])
    left_out |= {"lora"} if None in choices else set()
    left_out |= {word for key in used for name, word in _NOT_READ.items() if name in walk.inputs(key)}
    return {name: value for name, value in fields.items() if value not in (None, "")}, tuple(sorted(left_out))


def _is_sampler(inputs: Node) -> bool:
    """By what it takes, for there are dozens by name."""
    return any(name in inputs for name in _LATENT) and ("sampler_name" in inputs or "sigmas" in inputs)


class _Graph:
    """Ways through the links, from a node to those before it."""

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self.nodes = nodes

    def inputs(self, key: str) -> Node:
        inputs: Node = self.nodes[key]["inputs"]
        return inputs

    def links(self, key: str, names: Collection[str] | None) -> Iterator[str]:
        for name, value in self.inputs(key).items():
            if (names is None or name in names) and isinstance(value, list) and value and str(value[0]) in self.nodes:
                yield str(value[0])

    def upstream(self, key: str, names: Collection[str] | None) -> list[str]:
        """The node and all before it, nearest first; by links of these names only, or by any."""
        found, waiting = {key: None}, deque([key])
        while waiting and len(found) < LOOKED_AT:
            for before in self.links(waiting.popleft(), names):
                if before not in found:
                    found[before] = None
                    waiting.append(before)
        return list(found)

    def reaches(self, key: str, other: str, names: Collection[str]) -> bool:
        return key != other and other in self.upstream(key, names)

    def value(self, key: str, names: Collection[str], via: Collection[str] | None = _PARTS) -> object:
        """The first value of such a name; where it is a link, the value that the linked node holds."""
        for one in self.upstream(key, via):
            for name in names:
                value = self.inputs(one).get(name)
                if isinstance(value, list) and value and str(value[0]) in self.nodes:
                    linked = self.inputs(str(value[0]))
                    value = next((linked[other] for other in (*names, *_NUMBERS) if _is_value(linked.get(other))), None)
                if _is_value(value):
                    return value
        return None

    def text(self, sampler: str, side: str) -> tuple[str, bool]:
        """The words of one side's conditioning, and whether there are others that it is combined with."""
        sides = (side, "conditioning") if side == "positive" else (side,)  # a guider without guidance has only the one
        near = self.upstream(sampler, _PARTS)
        start = next((key for key in near if any(name in self.inputs(key) for name in sides)), None)
        if start is None:
            return "", False
        texts: dict[str, None] = {}
        for key in self._conditioning(start, side):
            if words := self._words(key, side):
                texts[words] = None
        return next(iter(texts), ""), len(texts) > 1

    def _conditioning(self, start: str, side: str) -> Iterator[str]:
        """The nodes that hold words before a node's input of this name. What passes both sides on, as ControlNet does,
        is followed on this side."""
        seen, waiting = {start}, deque([start])
        while waiting and len(seen) < LOOKED_AT:
            key = waiting.popleft()
            inputs = self.inputs(key)
            both = "positive" in inputs and "negative" in inputs
            for name, value in inputs.items():
                takes = name == side if both else name.startswith("conditioning")
                if not takes or not isinstance(value, list) or not value:
                    continue
                before = str(value[0])
                if before in self.nodes and before not in seen:
                    seen.add(before)
                    waiting.append(before)
                    yield before

    def _words(self, key: str, side: str) -> str:
        inputs = self.inputs(key)
        if isinstance(words := inputs.get(side), str):  # a loader that has both sides' words itself
            return words.strip()
        if "conditioning" in inputs or ("positive" in inputs and "negative" in inputs):
            return ""
        for one in self.upstream(key, _TEXTS):
            for name in _TEXTS:
                if isinstance(words := self.inputs(one).get(name), str) and words.strip():
                    return words.strip()
        return ""

    def size(self, sampler: str) -> tuple[object, object]:
        for key in self.upstream(sampler, _LATENT):
            size = [self.value(key, names, ()) for names in _SIZE]
            if None not in size:
                return size[0], size[1]
        return None, None


def _is_value(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)

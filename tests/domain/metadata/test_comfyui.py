"""Graphs as ComfyUI and its extensions write them."""

import json
from typing import Any

import pytest

from illustrious_studio.domain.metadata.recorded import RecordedSettings, recorded_settings
from illustrious_studio.domain.setting import given

Graph = dict[str, dict[str, Any]]


def node(kind: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": kind, "inputs": inputs}


def plain(**changes: Any) -> Graph:
    """The graph that ComfyUI shows first, with changes by node id."""
    graph = {
        "3": node(
            "KSampler", seed=7, steps=20, cfg=5.5, sampler_name="dpmpp_2m", scheduler="karras", denoise=1.0,
            model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0],
        ),
        "4": node("CheckpointLoaderSimple", ckpt_name="illu/wai.safetensors"),
        "5": node("EmptyLatentImage", width=832, height=1216, batch_size=1),
        "6": node("CLIPTextEncode", text="a cat", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="bad", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="x", images=["8", 0]),
    }  # fmt: skip
    return graph | changes


def with_inputs(graph: Graph, key: str, **inputs: Any) -> Graph:
    return graph | {key: {**graph[key], "inputs": graph[key]["inputs"] | inputs}}


def read(graph: Any) -> RecordedSettings | None:
    return recorded_settings({"prompt": graph if isinstance(graph, str) else json.dumps(graph)})


RIGHT: dict[str, Any] = {
    "prompt": "a cat", "negative_prompt": "bad", "steps": 20, "sampler": "DPM++ 2M", "schedule": "Karras",
    "guidance": 5.5, "seed": 7, "width": 832, "height": 1216,
}  # fmt: skip

CUSTOM = plain(
    **{
        "3": node(
            "SamplerCustomAdvanced",
            noise=["20", 0], guider=["21", 0], sampler=["22", 0], sigmas=["23", 0], latent_image=["5", 0],
        ),
        "20": node("RandomNoise", noise_seed=7),
        "21": node("CFGGuider", cfg=5.5, model=["4", 0], positive=["6", 0], negative=["7", 0]),
        "22": node("KSamplerSelect", sampler_name="dpmpp_2m"),
        "23": node("BasicScheduler", scheduler="karras", steps=20, denoise=1, model=["4", 0]),
    }
)  # fmt: skip
ADVANCED = plain(
    **{
        "3": node(
            "KSamplerAdvanced", add_noise="enable", noise_seed=7, steps=20, cfg=5.5, sampler_name="dpmpp_2m",
            scheduler="karras", start_at_step=0, end_at_step=10000, return_with_leftover_noise="disable",
            model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["5", 0],
        )
    }
)  # fmt: skip
HIRES = plain(
    **{
        "10": node("LatentUpscale", samples=["3", 0], width=1664, height=2432),
        "11": node(
            "KSampler", seed=99, steps=10, cfg=3, sampler_name="euler", scheduler="simple", denoise=0.4,
            model=["4", 0], positive=["6", 0], negative=["7", 0], latent_image=["10", 0],
        ),
        "8": node("VAEDecode", samples=["11", 0], vae=["4", 2]),
    }
)  # fmt: skip
LORA = with_inputs(
    plain(
        **{
            "10": node(
                "LoraLoader",
                lora_name="styles\\x.safetensors",
                strength_model=0.7,
                strength_clip=0.4,
                model=["4", 0],
                clip=["4", 1],
            )
        }
    ),
    "3",
    model=["10", 0],
)
BAD_LORA = with_inputs(plain(**{"10": node("LoraLoader", lora_name="a:b", model=["4", 0])}), "3", model=["10", 0])
CONTROL = with_inputs(
    plain(
        **{
            "10": node(
                "ControlNetApplyAdvanced", strength=1, positive=["6", 0], negative=["7", 0],
                control_net=["12", 0], image=["13", 0],
            ),
            "12": node("ControlNetLoader", control_net_name="canny"),
            "13": node("LoadImage", image="pose.png"),
        }
    ),
    "3",
    positive=["10", 0],
    negative=["10", 1],
)  # fmt: skip
LINKED = with_inputs(
    with_inputs(
        plain(
            **{
                "10": node("PrimitiveStringMultiline", value="a cat"),
                "11": node("Seed (rgthree)", seed=7),
                "12": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["4", 1]),
            }
        ),
        "6",
        text=["10", 0],
        clip=["12", 0],
    ),
    "3",
    seed=["11", 0],
)
SDXL = plain(
    **{"6": node("CLIPTextEncodeSDXL", text_g="a cat", text_l="a cat", width=1024, height=1024, clip=["4", 1])}
)
COMBINED = with_inputs(
    plain(
        **{
            "10": node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["12", 0]),
            "12": node("CLIPTextEncode", text="a dog", clip=["4", 1]),
        }
    ),
    "3",
    positive=["10", 0],
)
EFFICIENT = {
    "1": node(
        "KSampler (Efficient)", seed=42, steps=27, cfg=5.5, sampler_name="euler_ancestral", scheduler="normal",
        positive=["4", 1], negative=["4", 2],
    ),
    "4": node(
        "Efficient Loader", ckpt_name="illu/wai.safetensors", positive="1girl", negative="lowres",
        empty_latent_width=832, empty_latent_height=1216,
    ),
}  # fmt: skip
IMAGE = plain(
    **{
        "5": node("VAEEncode", pixels=["13", 0], vae=["4", 2]),
        "13": node("LoadImage", image="start.png"),
    }
)


@pytest.mark.parametrize(
    ("graph", "right", "left_out"),
    [
        pytest.param(plain(), RIGHT, (), id="plain"),
        pytest.param(CUSTOM, RIGHT, (), id="SamplerCustomAdvanced"),
        pytest.param(ADVANCED, RIGHT, (), id="KSamplerAdvanced"),
        pytest.param(HIRES, RIGHT, ("later passes",), id="the first pass counts"),
        pytest.param(LORA, {**RIGHT, "prompt": "a cat <lora:x:0.4:0.7>"}, (), id="lora"),
        pytest.param(BAD_LORA, RIGHT, ("lora",), id="a lora that no prompt can name"),
        pytest.param(CONTROL, RIGHT, ("controlnet",), id="controlnet"),
        pytest.param(LINKED, {**RIGHT, "clip_skip": 2}, (), id="linked values"),
        pytest.param(SDXL, RIGHT, (), id="CLIPTextEncodeSDXL"),
        pytest.param(COMBINED, RIGHT, ("several prompts",), id="combined"),
        pytest.param(IMAGE, {k: v for k, v in RIGHT.items() if k not in ("width", "height")}, ("image",), id="img2img"),
        pytest.param(
            with_inputs(plain(), "3", seed=2**50), {k: v for k, v in RIGHT.items() if k != "seed"}, ("seed",),
            id="a seed beyond the studio's",
        ),
        pytest.param(
            with_inputs(plain(), "3", sampler_name="res_multistep"), {k: v for k, v in RIGHT.items() if k != "sampler"},
            ("sampler",), id="a sampler that is not here",
        ),
    ],
)  # fmt: skip
def test_the_settings_are_found_by_the_links(graph: Graph, right: dict[str, Any], left_out: tuple[str, ...]) -> None:
    recorded = read(graph)
    assert recorded is not None
    assert (recorded.source, given(recorded.request), recorded.left_out) == ("ComfyUI", right, left_out)
    assert recorded.fields["Model"] == "illu/wai.safetensors"


def test_a_loader_that_has_the_words_itself_is_read() -> None:
    recorded = read(EFFICIENT)
    assert recorded is not None
    request = recorded.request
    assert (request.prompt, request.negative_prompt, request.seed, request.steps) == ("1girl", "lowres", 42, 27)
    assert (request.sampler, request.guidance) == ("Euler a", 5.5)


@pytest.mark.parametrize(
    "graph",
    [
        {},
        {"1": node("LoadImage", image="x.png")},
        {"1": 5, "2": {"inputs": []}, "3": {"class_type": "KSampler"}},
        "[]",
        '{"a": NaN}',
        "{" * 100_000,
    ],
)
def test_what_is_no_graph_with_a_sampler_is_nothing(graph: Any) -> None:
    assert read(graph) is None


def test_a_graph_that_goes_in_circles_is_read_all_the_same() -> None:
    graph = with_inputs(plain(**{"10": node("Reroute", value=["10", 0], conditioning=["10", 0])}), "6", text=["10", 0])
    recorded = read(graph)
    assert recorded is not None
    assert (recorded.request.prompt, recorded.request.steps) == ("", 20)

"""The two text encoders (CLIP's own classes, small), taught from the prompts alone what a prompt speaks of.

Each prompt's layout says which things, how many, before what, in which style. The encoders learn to tell that from
their pooled output and from the context they hand to the denoiser, which so has a meaningful condition from its first
step. They are then left as they are: the denoiser learns to use them.
"""

from pathlib import Path
from typing import Any, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from illustrious_studio.domain.layout.figures import EyeColour, HairColour
from illustrious_studio.domain.layout.values import Layout
from training.mini import scenes, shipped, words
from training.mini.run import Plan, Run, averaged_weights

WIDTHS = (96, 128)
"""As SDXL's own, they differ: it is by the width that diffusers tells them apart in a single file."""
LAYERS = (2, 3)
CONTEXT = sum(WIDTHS)
POOLED = WIDTHS[1]


class TextEncoders(nn.Module):
    """Both encoders. `forward` gives what SDXL's pipeline takes from them: context (n x 77 x 224), pooled (n x 128)."""

    def __init__(self, tokenizer: Any) -> None:
        from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

        super().__init__()
        configs = [
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=width,
                intermediate_size=4 * width,
                num_hidden_layers=layers,
                num_attention_heads=4,
                max_position_embeddings=words.POSITIONS,
                projection_dim=width,
                hidden_act="gelu",
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,  # left out, pooling takes the wrong token
                pad_token_id=tokenizer.pad_token_id,
            )
            for width, layers in zip(WIDTHS, LAYERS, strict=True)
        ]
        self.one = CLIPTextModel(configs[0])
        self.two = CLIPTextModelWithProjection(configs[1])

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        one = self.one(ids, output_hidden_states=True)
        two = self.two(ids, output_hidden_states=True)
        return torch.cat([one.hidden_states[-2], two.hidden_states[-2]], -1), two.text_embeds


class _Lesson(nn.Module):
    """The encoders and two heads that say what they understood: one reads the pooled output, one the context."""

    def __init__(self, tokenizer: Any, facts: int) -> None:
        super().__init__()
        self.encoders = TextEncoders(tokenizer)
        self.pooled_head = nn.Linear(POOLED, facts)
        self.question = nn.Parameter(torch.randn(8, CONTEXT) * 0.1)
        self.context_head = nn.Linear(8 * CONTEXT, facts)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        context, pooled = self.encoders(ids)
        context = F.layer_norm(context, (CONTEXT,))
        attention = (self.question @ context.transpose(1, 2) / CONTEXT**0.5).softmax(-1)
        return self.pooled_head(pooled), self.context_head((attention @ context).flatten(1))


class Facts:
    """What a layout shows, as a vector: each thing (half for one, more for several), the people's hair and eyes,
    background, light, style."""

    def __init__(self) -> None:
        things = [known.name for known in scenes.painter().objects()]
        places = [f"{name} behind" for name in scenes.painter().backgrounds()]
        hair = [f"{colour} hair" for colour in get_args(HairColour)]
        eyes = [f"{colour} eyes" for colour in get_args(EyeColour)]
        names = [*things, "girl", "boy", *hair, *eyes, *places, "night light", "sunset light", "cartoon"]
        self.at = {name: number for number, name in enumerate(names)}

    def __len__(self) -> int:
        return len(self.at)

    def of(self, layout: Layout) -> Tensor:
        vector = torch.zeros(len(self.at))
        for thing in layout.things:
            place = self.at[thing.what]
            vector[place] = min(1.0, vector[place] + (0.5 if vector[place] == 0 else 0.07))
            if thing.figure is not None:
                said = [f"{thing.figure.hair} hair", f"{thing.figure.eyes} eyes"]  # what is left to chance is no fact
                vector[[self.at[one] for one in said if one in self.at]] = 1
        vector[self.at[f"{layout.background} behind"]] = 1
        if layout.time != "day":
            vector[self.at[f"{layout.time} light"]] = 1
        vector[self.at["cartoon"]] = layout.style == "cartoon"
        return vector


def prompt_ids(tokenizer: Any, prompts: list[str]) -> Tensor:
    """Token numbers, n x 77."""
    told = tokenizer(prompts, padding="max_length", max_length=words.POSITIONS, truncation=True, return_tensors="pt")
    ids: Tensor = told.input_ids
    return ids


def train(plan: Plan) -> None:
    tokenizer = (
        words.tokenizer_of(plan.work) if (plan.work / "tokenizer").exists() else words.train_tokenizer(plan.work)
    )
    facts = Facts()
    told = [
        pair for shard in scenes.shards(plan.work / "scenes") for pair in scenes.words_of(plan.work / "scenes", shard)
    ]
    ids = prompt_ids(tokenizer, [prompt for prompt, _ in told])
    wanted = torch.stack([facts.of(layout) for _, layout in told])
    run = Run(plan, "text", _Lesson(tokenizer, len(facts)), rate=1.5e-3)
    batch = 64

    def loss_of() -> Tensor:
        chosen = torch.randint(len(ids), (batch,), generator=run.random)
        pooled, context = run.model(ids[chosen].to(run.device))
        truth = wanted[chosen].to(run.device)
        weight = 1 + 30 * (truth > 0)
        return F.binary_cross_entropy_with_logits(torch.cat([pooled, context]), truth.repeat(2, 1), weight.repeat(2, 1))

    run.train(loss_of, lambda: "", batch)


@torch.no_grad()
def finish(work: Path) -> TextEncoders:
    """The trained encoders, the scale of their contexts brought to 1; the shipped ones where none were trained."""
    tokenizer = words.tokenizer_of(work)
    if not (work / "text.pt").exists():
        return _shipped(tokenizer)
    lesson = _Lesson(tokenizer, len(Facts()))
    lesson.load_state_dict(averaged_weights(work, "text"))
    encoders = lesson.encoders.eval()
    prompts = [prompt for prompt, _ in scenes.words_of(work / "scenes", scenes.shards(work / "scenes")[0])]
    context, _ = encoders(prompt_ids(tokenizer, prompts[:200]))
    for model, part in zip((encoders.one, encoders.two), context.split(WIDTHS, -1), strict=True):
        _scale_stream(model, float(1 / part.std()))
    return encoders


def _shipped(tokenizer: Any) -> TextEncoders:
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    encoders = TextEncoders(tokenizer)
    encoders.one = shipped.part(CLIPTextModel, "text_encoder")
    encoders.two = shipped.part(CLIPTextModelWithProjection, "text_encoder_2")
    return encoders.eval()


def _scale_stream(model: Any, factor: float) -> None:
    """Multiply the residual stream: all that is added to it. The norms that read it undo any scale."""
    for name, weight in model.named_parameters():
        if "embedding" in name or "out_proj" in name or "fc2" in name:
            weight.mul_(factor)

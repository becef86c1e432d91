"""The denoiser: SDXL's UNet2DConditionModel with text and time conditioning, small.

v-prediction with zero terminal signal, so that it can also begin from pure noise. On a CPU it is trained mostly on low
and middle noise, where it repaints a sketch; a few hundred thousand samples teach no more. On a GPU all noise alike.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training.mini import scenes, shipped, text, vae, words
from training.mini.run import Plan, Run, autocast, averaged_weights, device_of

CHANNELS = (32, 64, 128, 224)
LATENT_SIDE = scenes.SIDE // 2 ** (len(vae.CHANNELS) - 1)
TIME_WIDTH = 32
STEPS = 1000
REPAINTED = 600
"""On a CPU, nine in ten samples have less noise than at this step."""
FURTHER = 480
"""Trained further on a CPU, twenty-four in twenty-five have less than at this step: where sketches are repainted."""
PLACES = 3
"""Of a large picture so many places are looked at, and the part where most is to be seen is learned from."""
WITHOUT_TEXT = 0.08
"""Samples with an empty prompt: what guidance steers away from."""
SHOWN = 6
TIME_IDS = (float(scenes.SIDE), float(scenes.SIDE), 0.0, 0.0, float(scenes.SIDE), float(scenes.SIDE))


def start(work: Path) -> Any:
    """What the training begins with: the shipped denoiser when it can go on from that, else a new one."""
    from diffusers import UNet2DConditionModel

    return shipped.part(UNet2DConditionModel, "unet").train() if shipped.goes_on(work) else unet()


def unet(channels: tuple[int, ...] = CHANNELS) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=LATENT_SIDE,
        in_channels=vae.LATENTS,
        out_channels=vae.LATENTS,
        block_out_channels=channels,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        transformer_layers_per_block=1,
        attention_head_dim=[1, 1, 2, 4],  # diffusers' name; it means the number of heads
        cross_attention_dim=text.CONTEXT,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_WIDTH,
        projection_class_embeddings_input_dim=text.POOLED + 6 * TIME_WIDTH,
        use_linear_projection=True,
        norm_num_groups=16,
    )


def signal_left() -> Tensor:
    """How much of the picture's variance is left after each of the 1000 steps; nothing after the last.

    SDXL's own schedule, rescaled to zero terminal SNR (Lin et al. 2023, algorithm 1).
    """
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, STEPS) ** 2
    root = torch.cumprod(1 - betas, 0).sqrt()
    root = (root - root[-1]) * root[0] / (root[0] - root[-1])
    return root**2


@torch.no_grad()
def make_latents(plan: Plan, rank: int, ranks: int) -> None:
    """The pictures of this process' share of the shards through the encoder, kept as halves, each shard once."""
    device = device_of(plan)
    encoder = vae.finish(plan.work).to(device)
    every = [(folder, shard) for folder in _folders(plan.work) for shard in scenes.shards(folder)]
    for folder, shard in every[rank::ranks]:
        file = _latents_file(folder, shard)
        if not file.exists():
            pictures = vae.as_tensor(scenes.pictures_of(folder, shard))
            with autocast(device):
                parts = [encoder.encode(part.to(device)).latent_dist.mean.cpu() for part in pictures.split(10)]
            np.save(file.with_suffix(".part.npy"), torch.cat(parts).half().numpy())
            file.with_suffix(".part.npy").rename(file)


def train(plan: Plan) -> None:
    further = shipped.goes_on(plan.work)
    run = Run(plan, "denoiser", start(plan.work), rate=3e-4 if further else 5e-4, decay=0.9993)
    make_latents(plan, run.rank, run.ranks)
    if run.ranks > 1:
        torch.distributed.barrier()
    tokenizer = words.tokenizer_of(plan.work)
    sources = [_Source(folder, tokenizer) for folder in _folders(plan.work) if scenes.shards(folder)]
    nothing = text.prompt_ids(tokenizer, [""])
    encoders = text.finish(plan.work).to(run.device).requires_grad_(False)
    left = signal_left().to(run.device)
    batch = 16 if run.device.type == "cpu" else 256
    time_ids = torch.tensor(TIME_IDS, device=run.device).repeat(batch, 1)
    model = torch.compile(run.model) if run.device.type == "cuda" else run.model

    def loss_of() -> Tensor:
        drawn = [source.some(batch // len(sources), run.random) for source in sources]
        picture = torch.cat([latents for latents, _ in drawn]).float().to(run.device)
        spoken = torch.cat([ids for _, ids in drawn])
        spoken[torch.rand(batch, generator=run.random) < WITHOUT_TEXT] = nothing
        at = _times(batch, run, further)[torch.randperm(batch, generator=run.random)].to(run.device)
        signal, noise = left[at].sqrt()[:, None, None, None], (1 - left[at]).sqrt()[:, None, None, None]
        added = torch.randn(picture.shape, generator=run.random).to(run.device)
        with autocast(run.device):
            context, pooled = encoders(spoken.to(run.device))
            said = {"text_embeds": pooled, "time_ids": time_ids}
            got = model(signal * picture + noise * added, at, context, added_cond_kwargs=said).sample
        error = (got.float() - (signal * added - noise * picture)).square().mean((1, 2, 3))
        # Min-SNR for v, with the floor that zero terminal SNR needs (plain min-SNR would weigh the last step with 0).
        return (error * (6 * (1 - left[at])).clamp(max=1)).mean()

    shown = [torch.cat(several) for several in zip(*(one.first(SHOWN // len(sources)) for one in sources), strict=True)]
    run.train(loss_of, lambda: _show(run, *shown, encoders) if run.rank == 0 else "", batch)


class _Source:
    """The latents of a folder of scenes, with their prompts."""

    def __init__(self, folder: Path, tokenizer: Any) -> None:
        shards = scenes.shards(folder)
        self.latents = torch.from_numpy(np.concatenate([np.load(_latents_file(folder, shard)) for shard in shards]))
        prompts = [prompt for shard in shards for prompt, _ in scenes.words_of(folder, shard)]
        self.ids = text.prompt_ids(tokenizer, prompts)

    def some(self, number: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """So many, at random; of large ones a part."""
        chosen = torch.randint(len(self.latents), (number,), generator=random)
        return torch.stack([_part(self.latents[at], random) for at in chosen.tolist()]), self.ids[chosen]

    def first(self, number: int) -> tuple[Tensor, Tensor]:
        """The same every time; of large ones the upper middle, where faces are."""
        room = (self.latents.shape[-1] - LATENT_SIDE) // 2
        across = slice(room, room + LATENT_SIDE)
        return self.latents[:number, :, room // 2 : room // 2 + LATENT_SIDE, across].float(), self.ids[:number]


def _part(picture: Tensor, random: torch.Generator) -> Tensor:
    room = picture.shape[-1] - LATENT_SIDE
    if room == 0:
        return picture
    corners = torch.randint(room + 1, (PLACES, 2), generator=random).tolist()
    parts = [picture[:, y : y + LATENT_SIDE, x : x + LATENT_SIDE] for y, x in corners]
    return max(parts, key=lambda part: float(part.float().std((1, 2)).sum()))


def _folders(work: Path) -> list[Path]:
    """Whole scenes, and larger ones of which parts are learned from."""
    return [work / "scenes", work / "close"]


@torch.no_grad()
def _show(run: Run, latents: Tensor, ids: Tensor, encoders: Any) -> str:
    """Repaint the first scenes from half noise, as the model now would, into `work/samples`. About every two minutes.

    Deterministic steps (DDIM, Song et al. 2021) without guidance: a look at the training, no measure.
    """
    number = int(run.seconds / 120)
    file = run.plan.work / "samples" / f"{number:04}.png"
    if file.exists():
        return ""
    file.parent.mkdir(exist_ok=True)
    left = signal_left().to(run.device)
    context, pooled = encoders(ids.to(run.device))
    said = {"text_embeds": pooled, "time_ids": torch.tensor(TIME_IDS, device=run.device).repeat(len(ids), 1)}
    times = list(range(500, 0, -50))
    noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0)).to(run.device)
    now = left[times[0]].sqrt() * latents.to(run.device) + (1 - left[times[0]]).sqrt() * noise
    for at, following in zip(times, [*times[1:], 0], strict=True):
        with autocast(run.device):
            step = torch.full((len(ids),), at, device=run.device)
            velocity = run.model(now, step, context, added_cond_kwargs=said).sample.float()
        picture = left[at].sqrt() * now - (1 - left[at]).sqrt() * velocity
        noise = left[at].sqrt() * velocity + (1 - left[at]).sqrt() * now
        now = left[following].sqrt() * picture + (1 - left[following]).sqrt() * noise
    decoded = vae.finish(run.plan.work).decode(picture.cpu()).sample.clamp(-1, 1)
    row = torch.cat(list(((decoded + 1) * 127.5).byte()), 2).permute(1, 2, 0).numpy()
    Image.fromarray(row).save(file)
    return f"drew {file.name}"


def _times(number: int, run: Run, further: bool) -> Tensor:
    """Steps 0 to 999, spread evenly over the batch."""
    spread = (torch.arange(number) + torch.rand(number, generator=run.random)) / number
    if run.device.type == "cpu":
        most, share = (FURTHER, 0.96) if further else (REPAINTED, 0.9)
        spread = torch.where(spread < share, spread / share * most / STEPS, (spread - share) / (1 - share))
    return (spread * STEPS).long().clamp(0, STEPS - 1)


def _latents_file(folder: Path, shard: int) -> Path:
    return folder / f"latents-{shard:05}.npy"


@torch.no_grad()
def finish(work: Path) -> Any:
    """The trained denoiser. The size it was trained at is folded into a bias: any size and crop now mean the same."""
    model = unet().eval()
    model.load_state_dict(averaged_weights(work, "denoiser"))
    said = model.add_time_proj(torch.tensor(TIME_IDS)).flatten()
    layer = model.add_embedding.linear_1
    layer.bias += layer.weight[:, text.POOLED :] @ said
    layer.weight[:, text.POOLED :] = 0
    return model

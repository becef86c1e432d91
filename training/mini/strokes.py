"""Pictures as if painted: what the judges of drawn pictures are trained on, so that brush strokes do not put them off.

A judge may not learn from what the model drew. So rendered scenes are roughened in ways of their own: filters, short
strokes of the colours that lie under them, and the autoencoder with noise on its latents.
"""

from collections.abc import Sequence
from math import cos, pi, sin
from random import Random
from typing import Any

import torch
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from training.mini import vae
from training.mini.run import autocast

PART = 32
"""Pictures that go through the autoencoder at once."""


def painted_over(image: Image.Image, random: Random) -> Image.Image:
    """One picture, roughened at random: one in six is left as it is."""
    if random.random() < 1 / 6:
        return image
    image = image.convert("RGB")
    if random.random() < 0.7:
        image = _strokes(image, random)
    filters: list[Any] = [
        ImageFilter.MedianFilter(3),
        ImageFilter.MedianFilter(5),
        ImageFilter.ModeFilter(3),
        ImageFilter.ModeFilter(5),
        ImageFilter.GaussianBlur(random.uniform(0.5, 1.6)),
        ImageFilter.UnsharpMask(2, 120, 2),
    ]
    for one in random.sample(filters, random.randint(0, 2)):
        image = image.filter(one)
    image = ImageEnhance.Color(image).enhance(random.uniform(0.75, 1.2))
    return ImageEnhance.Brightness(image).enhance(random.uniform(0.92, 1.06))


def _strokes(image: Image.Image, random: Random) -> Image.Image:
    """Short strokes all over it, each in the colour under its middle, a little off."""
    under, over = image.load(), image.copy()
    pen = ImageDraw.Draw(over)
    width, height = image.size
    thick = max(1, round(random.uniform(0.006, 0.022) * width))
    for _ in range(random.randint(60, 900)):
        x, y, angle, reach = random.randrange(width), random.randrange(height), random.uniform(0, pi), thick * 2.5
        dx, dy, off = cos(angle) * reach / 2, sin(angle) * reach / 2, random.randint(-10, 10)
        colour = tuple(min(255, max(0, part + off)) for part in under[x, y])  # type: ignore[index, union-attr]
        pen.line((x - dx, y - dy, x + dx, y + dy), fill=colour, width=thick)
    return over


@torch.no_grad()
def through_noise(encoder: Any, images: Sequence[Image.Image], seed: int) -> list[Image.Image]:
    """Encoded and decoded with noise on the latents, up to 0.4 of their deviation. All of one size, divisible by 8."""
    random, found = torch.Generator().manual_seed(seed), []
    for at in range(0, len(images), PART):
        pictures = vae.pixels(images[at : at + PART])
        with autocast(pictures.device):
            latents = encoder.encode(pictures).latent_dist.mean
            strength = 0.05 + 0.35 * torch.rand(len(pictures), 1, 1, 1, generator=random)
            decoded = encoder.decode(latents + strength * torch.randn(latents.shape, generator=random)).sample
        found += [Image.fromarray(one) for one in vae.as_pictures(decoded)]
    return found

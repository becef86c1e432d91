"""The noise of a seed, as A1111 makes it (`modules/rng.py`): led towards another seed's, or of another size.

Drawn on the CPU: the same seed is the same noise on every device.
"""

from typing import TYPE_CHECKING

from illustrious_studio.domain.images import ImageRequest

if TYPE_CHECKING:
    from torch import Generator, Tensor

Shape = tuple[int, int, int, int]
"""1, the latents' channels, rows and columns."""
ALIKE = 0.9995
"""Noises that point nearly the same way are mixed in a straight line."""


def first_noise(request: ImageRequest, shape: Shape, scale: int, generator: "Generator") -> "Tensor":
    """Float32, on the CPU. `scale`: pixels of a side for one latent. `generator` has the request's seed, and is left
    where the samplers that add noise of their own go on from."""
    height, width = request.seed_resize_from_height, request.seed_resize_from_width
    before = (1, shape[1], height // scale, width // scale) if height and width else shape
    same = before == shape
    noise = _of(generator, shape) if same else _of(_generator(request.seed), before)
    if request.variation_strength and request.variation_seed is not None:
        noise = _led(noise, _of(_generator(request.variation_seed), before), request.variation_strength)
    return noise if same else _in_the_middle(_of(generator, shape), noise)


def seed_noise(request: ImageRequest, shape: Shape) -> "Tensor":
    """That of the seed alone, led nowhere and in the drawing's own size. Float32, on the CPU."""
    return _of(_generator(request.seed), shape)


def _generator(seed: int) -> "Generator":
    import torch

    return torch.Generator("cpu").manual_seed(seed)


def _of(generator: "Generator", shape: Shape) -> "Tensor":
    import torch

    return torch.randn(shape, generator=generator, dtype=torch.float32)


def _led(noise: "Tensor", other: "Tensor", strength: float) -> "Tensor":
    """From one to the other over the sphere. Each column of a channel is a vector: so A1111 has it, whose slerp takes
    the second axis of (channels, rows, columns)."""
    import torch

    rows = 2
    aligned = noise / noise.norm(dim=rows, keepdim=True) * (other / other.norm(dim=rows, keepdim=True))
    cosine = aligned.sum(rows, keepdim=True)
    if cosine.mean() > ALIKE:
        return noise * strength + other * (1 - strength)
    angle = torch.acos(cosine)
    return (torch.sin((1 - strength) * angle) * noise + torch.sin(strength * angle) * other) / torch.sin(angle)


def _in_the_middle(whole: "Tensor", part: "Tensor") -> "Tensor":
    """What of the part there is room for; and of a larger one its middle."""
    (to_y, from_y, height), (to_x, from_x, width) = (
        (max((over := (large - small) // 2), 0), max(-over, 0), small if over >= 0 else small + 2 * over)
        for large, small in zip(whole.shape[2:], part.shape[2:], strict=True)
    )
    whole[:, :, to_y : to_y + height, to_x : to_x + width] = part[
        :, :, from_y : from_y + height, from_x : from_x + width
    ]
    return whole

"""Cutting out: a picture's subject without its background, and the port of what finds it.

Field's words: the mask is the subject as grey (white is the subject), the cutout the picture with that as its alpha.
"""

from dataclasses import dataclass, field
from typing import Protocol, Self

from PIL import Image

from illustrious_studio.domain.encoding import image_to_png, to_grey_png, to_preview
from illustrious_studio.domain.metadata.carried import PARAMETERS
from illustrious_studio.domain.pictures import open_rgba


@dataclass(frozen=True)
class Cutout:
    """A picture without its background, and its mask, both as PNG files of the picture's size."""

    width: int
    height: int
    png: bytes = field(repr=False)
    mask: bytes = field(repr=False)

    @classmethod
    def of(cls, cut_out: Image.Image, settings: str = "") -> Self:
        """Of an RGBA image, with the settings in the file that its picture carried."""
        png = image_to_png(cut_out, {PARAMETERS: settings} if settings else None)
        return cls(cut_out.width, cut_out.height, png, to_grey_png(cut_out.getchannel("A")))

    def preview(self) -> bytes:
        """A WebP of at most 768 pixels and 200 kB, transparent as the PNG."""
        return to_preview(open_rgba(self.png))


class BackgroundRemover(Protocol):
    """Finds the subject of a picture. Raises InvalidRequest where nothing stands out, and Unavailable."""

    async def subject_mask(self, picture: Image.Image) -> Image.Image:
        """Grey, in the size of the RGB picture."""
        ...

    async def cut_out(self, picture: Image.Image) -> Image.Image:
        """RGBA, in the same size. Edges have the subject's own colour, without that of the background."""
        ...

"""The settings that make a drawing more than one plain pass: hires fix, details, tiles, regions.

They are the second part of the one list (`domain/images.py`), in its order.
"""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from illustrious_studio.domain.details import MOST_DETAILS, Details
from illustrious_studio.domain.hires import HiresFix
from illustrious_studio.domain.regions import BASE_SHARE, MOST_REGIONS, Ratios, Regions, RegionSplit
from illustrious_studio.domain.request.drawing import DrawingSettings
from illustrious_studio.domain.setting import Setting
from illustrious_studio.domain.sizes import LARGEST_TILE, SMALLEST_TILE


class PassSettings(DrawingSettings):
    """The same, and in which passes and parts."""

    hires: Annotated[
        HiresFix | None,
        Field(description="Hires fix: make the picture larger and draw it over in a second pass."),
        Setting("Hires fix"),
    ] = None
    details: Annotated[
        Details,
        Field(
            max_length=MOST_DETAILS,
            description="Regions of the finished picture that are drawn again larger and put back, one kind after the "
            "other: faces, for example.",
        ),
        Setting("Details"),
    ] = ()
    tile: Annotated[
        int | None,
        Field(
            ge=SMALLEST_TILE,
            le=LARGEST_TILE,
            multiple_of=8,
            description="Draw what is larger than that many pixels to a side in overlapping tiles of that size: it "
            "takes the memory of one tile. Left out: as a whole.",
        ),
        Setting(
            "Tile size",
            "advanced",
            8,
            "Tile size",
            a1111=("tile",),
            aliases=("multidiffusion_tile_width",),
            words={"": "Whole picture"},
        ),
    ] = None
    tile_overlap: Annotated[
        int,
        Field(
            ge=0,
            le=LARGEST_TILE // 2,
            multiple_of=8,
            description="Pixels over which tiles overlap, at least, and are blended; at most half of a tile.",
        ),
        Setting(
            "Tile overlap",
            "advanced",
            8,
            "Tile overlap",
            always=True,
            needs="tile",
            a1111=("tile_overlap",),
            aliases=("multidiffusion_tile_overlap",),
        ),
    ] = SMALLEST_TILE // 2
    regions: Annotated[
        Regions,
        Field(
            max_length=MOST_REGIONS,
            description="Parts of the picture with words of their own: boxes, or masks. The prompt counts elsewhere.",
        ),
        Setting("Regions", infotext="Regions"),
    ] = ()
    region_base: Annotated[
        float,
        Field(ge=0, le=1, description="Base prompt share: how much the prompt counts within regions, too."),
        Setting("Base prompt share", "regions", 0.05, "Region base", always=True, needs="regions"),
    ] = BASE_SHARE
    region_split: Annotated[
        RegionSplit | None,
        Field(
            description="Makes regions of the prompt: what stands behind each BREAK is one, in columns or in rows; "
            "what stands before the first is the prompt."
        ),
        Setting("Split at BREAK", words={"": "No"}),
    ] = None
    region_ratios: Annotated[
        Ratios,
        Field(
            max_length=MOST_REGIONS,
            description="How wide or high these are beside each other, such as [1, 2, 1]; left out: all alike.",
        ),
        Setting("Split ratios", needs="region_split"),
    ] = ()

    @field_validator("tile_overlap")
    @classmethod
    def _at_most_half_of_a_tile(cls, overlap: int, known: ValidationInfo) -> int:
        tile = known.data.get("tile")
        if tile is not None and overlap > tile // 2:
            raise ValueError(f"must be at most half of the tile, which is {tile}")
        return overlap

    @field_validator("region_split")
    @classmethod
    def _goes_without_regions(cls, value: object, known: ValidationInfo) -> object:
        if value and known.data.get("regions"):
            raise ValueError("cannot be used with regions, which say it themselves; leave one of them out")
        return value

    @field_validator("region_ratios")
    @classmethod
    def _goes_with_a_split(cls, value: object, known: ValidationInfo) -> object:
        if value and known.data.get("region_split", "") is None:
            raise ValueError("needs region_split")
        return value

"""How large pictures are drawn. In pixels."""

SHORTEST = 64
LONGEST, MOST_PIXELS = 2048, 4_200_000
"""Of a picture that is drawn as a whole: what SDXL still draws without repeating itself, and then some."""
LONGEST_IN_TILES, MOST_PIXELS_IN_TILES = 4096, 8_400_000
"""Of one that is drawn in tiles, and of the second pass of hires fix: twice as wide and high as SDXL's own sizes."""
SMALLEST_TILE, LARGEST_TILE = 256, 2048


def too_large(size: tuple[int, int], *, in_tiles: bool) -> str:
    """Why a picture of that size cannot be drawn so, and what can; empty when it can."""
    longest, most = (LONGEST_IN_TILES, MOST_PIXELS_IN_TILES) if in_tiles else (LONGEST, MOST_PIXELS)
    if max(size) <= longest and size[0] * size[1] <= most:
        return ""
    return f"at most {longest} pixels to a side and {most / 1e6:.1f} megapixels are drawn"

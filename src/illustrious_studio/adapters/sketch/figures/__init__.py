"""Draws figures in the manner of anime. All drawings are this project's own."""

from illustrious_studio.adapters.sketch.figures.whole import Held, aspect_of, draw, hold_of

__all__ = ["Held", "aspect_of", "draw", "hold_of"]

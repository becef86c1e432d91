"""Draws figures in the manner of anime. All drawings are this project's own."""

from illustrious_studio.adapters.sketch.figures.whole import aspect_of, draw, face_at

__all__ = ["aspect_of", "draw", "face_at"]

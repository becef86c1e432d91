"""Sketches painted from layouts: objects and backgrounds."""

"""Illustrious AI Studio: Stable Diffusion XL pictures and language models, on one machine."""

__version__ = "0.1.0"

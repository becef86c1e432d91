"""The one list of picture settings (`domain/images.py`), part by part."""

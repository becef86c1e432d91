"""Pictures on disk: the gallery's folder, and pictures that people give."""

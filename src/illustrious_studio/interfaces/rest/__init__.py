"""The studio's own API: JSON over HTTP, one file a noun."""

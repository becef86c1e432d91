"""The tabs of the web UI, one a file: components and their events."""

"""Reports on checkpoints: what a file says of itself, what its name hints, and what is recommended for its family."""

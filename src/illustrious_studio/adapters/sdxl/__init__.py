"""Drawing with Stable Diffusion XL: the engine (parent), its worker process, and what that process runs.

Only `engine` and `checkpoint` are for the rest of the studio. Nothing here imports torch before the worker process
needs it, and the parent never does.
"""

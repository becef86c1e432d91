"""Trains Illustrious Mini, the built-in picture model, from drawings to a pipeline folder.

Six steps, each resumable at any second and each on the CPU or on CUDA alike: data, vae, text, denoiser, export,
evaluate. README.md beside this file says how they were run and what came of it.
"""

"""Grids: the same picture over and over with one to three settings varied, and the sheet that shows them together."""

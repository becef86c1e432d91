"""Pieces of the pages: plain functions from values to HTML."""

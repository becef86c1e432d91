"""Prompts in other languages: their words become the English ones, in English order, before anything reads them."""

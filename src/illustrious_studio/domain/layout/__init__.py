"""Layouts: from the words of a prompt to things, and from things to places."""

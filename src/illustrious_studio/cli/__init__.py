"""The `illustrious` command: its options, what it does by calling the API, and what it finds out about a machine."""

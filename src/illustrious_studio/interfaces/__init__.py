"""Ways in: each translates a foreign request, calls one service, and translates back."""

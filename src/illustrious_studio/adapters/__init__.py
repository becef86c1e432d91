"""How the outside is reached: one file a technology."""

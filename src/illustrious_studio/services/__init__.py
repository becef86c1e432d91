"""What the studio does: one class a noun, with its ports handed in."""

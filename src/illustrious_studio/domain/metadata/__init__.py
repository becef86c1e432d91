"""How pictures say what made them: A1111's text, and the formats of other programs."""

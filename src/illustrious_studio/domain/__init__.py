"""What the studio is about: frozen values, the ports beside them, and the error tree."""

"""What the studio talks about: frozen values, the ports beside them, and the error tree."""

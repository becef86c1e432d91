"""Who may use a device's memory, and for how much: counted and decided before it runs out. Pure."""

"""What holds for every test."""

from hypothesis import settings

# How long an example takes says how busy the machine is, no more.
settings.register_profile("studio", settings.default, deadline=None)
settings.load_profile("studio")

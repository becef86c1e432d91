"""What holds for every test."""

import os

from hypothesis import settings

# Before torch is imported. Its threads spin while they wait, and there are as many processes of tests as cores; and the
# engines of the tests draw with one thread, too: pixels are compared.
os.environ["OMP_NUM_THREADS"] = "1"

# How long an example takes says how busy the machine is, no more.
settings.register_profile("studio", settings.default, deadline=None)
settings.load_profile("studio")

"""Settings of all tests."""

from hypothesis import settings

# Machines are noisy: no test is judged by the time it takes.
settings.register_profile("emu", deadline=None, print_blob=True)
settings.load_profile("emu")

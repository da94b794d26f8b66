"""Settings of all tests."""

import signal

from hypothesis import settings

pytest_plugins = ("tests.quiet", "tests.reruns")

# A shell that runs the tests in the background has them ignore Ctrl-C; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Machines are noisy: no test is judged by the time it takes.
settings.register_profile("emu", deadline=None, print_blob=True)
settings.load_profile("emu")

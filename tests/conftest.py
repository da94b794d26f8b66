"""Settings of all tests."""

import signal

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.quiet", "tests.reruns")

# In the background a shell has them ignore Ctrl-C, and nohup SIGHUP; some tests send these.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# Machines are noisy: no test is judged by the time it takes.
settings.register_profile(
    "emu", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("emu")

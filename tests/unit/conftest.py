"""Tests of units are of the Python: of what is compiled, where it is, ``tests/compiled`` is."""

import agents.deadlines  # noqa: F401  Machine code is not mixed with what is loaded.

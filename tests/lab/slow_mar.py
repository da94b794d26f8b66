"""A MAR whose clock is slow: its configuration is the argument, as JSON."""

from __future__ import annotations

import json
import sys
import time

from agents.core import SECOND
from agents.roles import mar

SLOW = 9 * SECOND

if __name__ == "__main__":
    right = time.time_ns
    time.time_ns = lambda: right() - SLOW
    mar.main(json.loads(sys.argv[1]))

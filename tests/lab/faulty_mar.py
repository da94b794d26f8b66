"""A MAR with a fault: which one, and its configuration as JSON, are the arguments."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from agents.core import SECOND
from agents.mobility.config import MarConfig
from agents.roles import mar

SLOW = 3 * SECOND
SLOW_CLOCK, SAME_PREFIXES = "slow clock", "same prefixes"
_real_time, _real_config = time.time_ns, mar.mar_config


def _slow_time() -> int:
    return _real_time() - SLOW


def _config_of_a_first_start(config: dict[str, Any], *, restarted: bool) -> MarConfig:
    """It begins with the prefixes that it gave before it was killed."""
    return _real_config(config, restarted=False)


if __name__ == "__main__":
    fault, config = sys.argv[1], json.loads(sys.argv[2])
    if fault == SLOW_CLOCK:
        time.time_ns = _slow_time
    else:
        mar.mar_config = _config_of_a_first_start
    mar.main(config)

"""Keys of a scenario's ``mobility`` that network-based DMM has for itself."""

from __future__ import annotations

from typing import Literal

from emu.scenario.section import Section


class WithCmd(Section):
    """What becomes of the domain without its CMD."""

    standby: bool = False
    """Whether there is a second CMD, ``cmd2``, which has every binding before the first one answers
    and is asked when that does not. The variants relay, locator and proxy."""
    without_cmd: Literal["wait", "local"] = "wait"
    """What a mobile node has that comes while the CMD is dead: no service until it is answered for;
    or, after three PBUs, the prefix of the access router where it is, and no earlier one."""

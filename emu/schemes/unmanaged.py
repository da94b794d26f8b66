"""No mobility management: who moves has other addresses at each access router."""

from __future__ import annotations

from emu.schemes.base import Scheme


class Unmanaged(Scheme):
    """Access routers that only advertise their prefixes."""

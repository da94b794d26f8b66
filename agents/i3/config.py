"""What servers and members are told."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core import SECOND


@dataclass(frozen=True)
class ServerConfig:
    """One i3 server's bounds and times."""

    triggers_per_identifier: int = 9
    """The paper's D, and one more: that of the member itself (section 3.2)."""
    triggers_per_owner: int = 256
    """What one endpoint may have here."""
    triggers: int = 100_000
    """What all may have here."""
    lifetime: int = 30 * SECOND
    """A trigger that nobody refreshes for so long is gone (section 4), ns."""

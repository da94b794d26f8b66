"""What is sent in virtual time is the same whenever it is played again, octet by octet.

The digests are those of the version that changed the protocol last: who makes the cores or the
simulator faster may not change them. Who changes the protocol does, and writes the new ones here.
"""

from __future__ import annotations

from hashlib import sha256

import pytest

from agents.core import SECOND
from agents.i3.config import GroupConfig, Recovery, Refresh
from agents.wire.i3 import Message, encode
from emu.simulator.i3 import Host, Overlay
from emu.simulator.i3_chord import ChordOverlay
from emu.simulator.i3_losses import HopLosses
from emu.simulator.i3_session import Session, SessionConfig
from tests.unit.i3_world import SMALL

SETTLED = GroupConfig(degree=4, recovery=Recovery.LEAST_LOSS)
SPREAD = GroupConfig(degree=3, refresh=Refresh.UNIFORM, recovery=Recovery.RANDOM)


@pytest.mark.parametrize(
    ("overlay", "group", "digest"),
    [
        (Overlay, SETTLED, "265d28b5155b1ce5"),
        (Overlay, SPREAD, "90a6038113622cfc"),
        (ChordOverlay, SETTLED, "6992159fb403f187"),
    ],
)
def test_all_messages_of_a_small_session_are_what_they_were(overlay, group, digest):
    """60 receivers join, and for half a minute packets are lost."""
    config = SessionConfig(60, 20, group, SMALL, skew=SECOND)
    session = Session(config, 7, overlay)
    octets = sha256()

    def note(message: Message, host: Host) -> None:
        octets.update(session.engine.now.to_bytes(8, "big") + host.endpoint + encode(message))

    session.overlay.sent = note
    session.grow()
    session.overlay.lost = HopLosses(7)
    session.run(30 * SECOND)
    assert octets.hexdigest()[:16] == digest

"""The stream of ``make soak-overlay``, for a third of a minute, with a new key in it."""

from __future__ import annotations

from tests import overlay_endurance


def test_who_stays_gets_every_packet_once():
    assert overlay_endurance.run(20, rekey_s=100) == []

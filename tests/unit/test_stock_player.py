"""Continuity errors in a transport stream, as experiments/stock-player counts them."""

from __future__ import annotations

from types import ModuleType

import pytest
import scripts


@pytest.fixture(scope="module")
def player() -> ModuleType:
    return scripts.script("stock-player/play.py")


def packet(pid: int, counter: int, *, payload: bool = True) -> bytes:
    control = (0x10 if payload else 0x20) | counter % 16
    return bytes([0x47]) + pid.to_bytes(2, "big") + bytes([control]) + bytes(184)


def test_a_whole_stream_has_no_errors(player: ModuleType) -> None:
    stream = [packet(pid, n) for n in range(40) for pid in (0x100, 0x101)]
    assert player.continuity(stream) == {"received": 80, "errors": 0, "missing": 0}


def test_each_hole_is_an_error_of_each_stream_that_has_it(player: ModuleType) -> None:
    stream = [packet(pid, n) for n in range(40) for pid in (0x100, 0x101) if n not in (7, 8, 30)]
    assert player.continuity(stream) == {"received": 74, "errors": 4, "missing": 6}


def test_what_has_no_payload_and_what_fills_up_does_not_count(player: ModuleType) -> None:
    stream = [packet(0x100, 1), packet(0x100, 1, payload=False), packet(0x1FFF, 9)]
    stream += [packet(0x1FFF, 3), packet(0x100, 2)]
    assert player.continuity(stream)["errors"] == 0

"""How agents write down what they know."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address
from pathlib import Path
from typing import NamedTuple

from agents.roles.daemon import EventLog


class Phase(Enum):
    SERVING = 1


class Anchor(NamedTuple):
    address: IPv6Address
    link_layer_address: bytes


@dataclass(frozen=True)
class Binding:
    phase: Phase
    anchors: tuple[Anchor, ...]
    previous: Anchor | None = None


def test_a_descriptor_that_has_no_path_is_written_to() -> None:
    """As systemd gives one for standard error."""
    ours, systemds = socket.socketpair()
    with ours, systemds:
        EventLog(ours.fileno(), "laptop").write("ready")
        assert json.loads(systemds.recv(1 << 10))["kind"] == "ready"


def test_what_has_names_keeps_them(tmp_path: Path) -> None:
    anchor = Anchor(IPv6Address("2001:db8::1"), bytes(6))
    EventLog(str(tmp_path / "log"), "mar1").write(
        "state", bindings={"mn1": Binding(Phase.SERVING, (anchor,), anchor)}
    )
    written = json.loads((tmp_path / "log").read_text(encoding="utf-8"))
    assert (written["node"], written["kind"]) == ("mar1", "state")
    named = {"address": "2001:db8::1", "link_layer_address": "00:00:00:00:00:00"}
    expected = {"phase": "SERVING", "anchors": [named], "previous": named}
    assert written["bindings"] == {"mn1": expected}

"""Makes the switch forget how it forwarded what came before: its cache follows its flows too late.

Open vSwitch looks a packet's flow up once and caches the answer. When flows change, threads go over
the cache in their own time, some 20 ms on a busy machine, and an OpenFlow barrier does not wait for
them. Meanwhile what a mobile node sends would still go to its last access point, and what the new
one sends to all would not come to the node.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path

_DIRECTORY = Path("/run/openvswitch")
_REQUEST = {"id": 0, "method": "revalidator/purge", "params": []}
_LARGEST_ANSWER = 4096


def purge() -> None:
    """From now on every packet is treated as the flows of now say.

    ``ovs-appctl revalidator/purge`` does the same, over the same socket: JSON-RPC 1.0.

    Raises:
        ValueError: The switch did not do it.
    """
    daemon = (_DIRECTORY / "ovs-vswitchd.pid").read_text(encoding="utf-8").strip()
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(_DIRECTORY / f"ovs-vswitchd.{daemon}.ctl"))
        control.sendall(json.dumps(_REQUEST).encode())
        answer = json.loads(control.recv(_LARGEST_ANSWER))
    if answer["error"] is not None:
        raise ValueError(f"the switch does not purge its cache: {answer['error']}")

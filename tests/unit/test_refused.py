"""What nodes refused, as the record counts it."""

from __future__ import annotations

import json
from pathlib import Path

from emu.measure import refused
from emu.measure.run import Run


def test_reasons_by_node_without_zeros(tmp_path: Path) -> None:
    signalling = {"unauthentic": 3, "replayed": 0, "untrusted": 1}
    events = [
        {"kind": "state", "node": "mar1", "signalling": signalling, "multicast": {"ignored": 2}},
        {"kind": "state", "node": "mar2", "contexts": {"packets": 1, "messages": 0}},
        {"kind": "stopped", "node": "mar1", "malformed": 4},
        {"kind": "state", "node": "cmd", "counters": {"ignored": 0}, "multicast": None},
        {"kind": "stopped", "node": "cmd", "malformed": 0},
        {"kind": "serving", "node": "mar2", "mn": "mn1"},
    ]
    lines = [json.dumps({"t": number, **event}) for number, event in enumerate(events)]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    assert refused.counts(Run(tmp_path, 1)) == {
        "mar1": {
            "signalling.unauthentic": 3,
            "signalling.untrusted": 1,
            "multicast.ignored": 2,
            "malformed": 4,
        },
        "mar2": {"contexts.packets": 1},
    }

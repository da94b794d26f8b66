"""What experiments/multicast-sources makes of its table."""

from __future__ import annotations

import pandas as pd
import scripts


def test_only_the_moves_of_the_source_count() -> None:
    script = scripts.script("multicast-sources/sources.py")
    common = {"scheme": "mld-dmm", "service": "ssm", "seed": 1, **dict.fromkeys(script.MEDIANS, 0)}
    table = pd.DataFrame(
        common | {"mn": mn, "flow": flow, "delay_after_ms": delay}
        for mn, flow, delay in [
            ("mn2", "C1→mn2", 25),
            ("s1", "C1→mn1", 15),
            ("s1", "C1→mn2", 34),
            ("s1", "C1→mn2", 36),
        ]
    )
    rows = script.compare(table)
    assert rows["listener"].to_list() == ["at the source's anchor", "at the source's new MAR"]
    assert rows["delay_after_ms"].to_list() == [15, 35]

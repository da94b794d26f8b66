"""The comparison of experiments/hdmm-comparison: what it makes of a sweep's table."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import scripts


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return scripts.script("hdmm-comparison/compare.py")


def row(flow: str, **values: Any) -> dict[str, Any]:
    common = {"scheme": "proxy", "delays": "20 ms", "seed": 1}
    return {**common, "flow": flow, "flow_delay_ms": 15.0, "flow_overhead_bytes": 0, **values}


def old(handover: int, to: str, binding: float, **values: Any) -> dict[str, Any]:
    measured = {"binding_ms": binding, "predicted_binding_ms": 40.0, "binding_messages": 4}
    cost = {"binding_hops": 4, "delay_after_ms": 56.0, "tunnel_overhead_bytes": 800}
    return row("old-mn1", handover=handover, to=to, **measured, **cost, **values)


def test_a_row_is_the_median_of_its_handovers(script: ModuleType) -> None:
    table = [old(at, "mar2", binding) for at, binding in enumerate((41, 45, 90))]
    (found,) = script.compare(pd.DataFrame([*table, row("new-1-mn1")])).to_dict("records")
    assert (found["previous"], found["handovers"]) == (1, 3)
    assert (found["binding_ms"], found["equation_ms"], found["within"]) == (45, 40, True)
    assert (found["messages"], found["equation_messages"], found["beside_messages"]) == (4, 4, 0)
    assert (found["hops"], found["equation_hops"]) == (4, 4)
    assert (found["old_overhead_bytes"], found["new_overhead_bytes"]) == (800, 0)


def test_more_than_the_tolerance_is_not_within(script: ModuleType) -> None:
    table = [old(0, "mar2", 46.1), row("new-1-mn1")]
    assert not script.compare(pd.DataFrame(table))["within"].item()


def test_without_a_result_there_are_no_rows(script: ModuleType) -> None:
    table = pd.DataFrame([old(0, "mar2", 41.0), row("new-1-mn1")])
    assert script.compare(table[table["seed"] == 0]).empty


@pytest.mark.parametrize(
    ("scheme", "n", "messages", "hops"),
    [
        ("pmipv6", 3, 2, 2),
        ("mipv6", 2, 2, 4),
        ("client", 2, 4, 12),
        ("client-secured", 2, 8, 24),
        ("hybrid", 2, 6, 6),
        ("hybrid-last", 3, 6, 18),
        ("relay", 2, 6, 6),
        ("locator", 2, 7, 9),
        ("proxy", 3, 8, 8),
        ("distributed", 3, 6, 12),
        ("mih", 1, 2, 4),
    ],
)
def test_the_cost_of_a_handover_is_what_the_equations_say(
    script: ModuleType, scheme: str, n: int, messages: int, hops: int
) -> None:
    assert script.equation_cost(scheme, n) == (messages, hops)


@pytest.mark.parametrize(
    ("scheme", "n", "messages", "hops"),
    [
        ("pmipv6", 1, 2, 2),
        ("client-secured", 3, 2, 2),
        ("distributed", 1, 0, 4),
        ("distributed", 3, -2, 0),
        ("hybrid", 3, 0, 0),
    ],
)
def test_what_is_sent_beside_that_is_told(
    script: ModuleType, scheme: str, n: int, messages: int, hops: int
) -> None:
    assert script.beside(scheme, n) == (messages, hops)


def test_a_message_too_many_is_not_exact(script: ModuleType) -> None:
    costs = {"messages": [4, 5], "equation_messages": [4, 4], "beside_messages": [0, 0]}
    hops = {"hops": [8, 8], "equation_hops": [4, 4], "beside_hops": [4, 4]}
    assert list(script.exact(pd.DataFrame({**costs, **hops}))) == [True, False]

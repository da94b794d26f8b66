"""A listener with more groups than a host may have: those within the bound come, the rest is told.

The groups are the applications' of an unmodified kernel, which reports them one by one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

MOST, CHANNELS = 64, 67
WHY = f"more than {MOST} groups of one host"


def scenario() -> str:
    names = [f"C{number}" for number in range(CHANNELS)]
    channels = "".join(
        f'  {name}: {{group: "ff0e::{number:x}:1", source: src, rate: 4kbit, packet: 50}}\n'
        for number, name in enumerate(names, 1)
    )
    flows = "".join(f"  - {{kind: multicast, channel: {name}, to: [mn1]}}\n" for name in names)
    return (
        "name: many\nduration: 6s\ntopology: {kind: dmm-domain, mars: 2}\n"
        "nodes:\n  mn1: {role: mn, attach: mar1, dad: off}\n  src: {role: source}\n"
        f"channels:\n{channels}traffic:\n{flows}"
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Run:
    directory: Path = tmp_path_factory.mktemp("many")
    path = directory / "scenario.yaml"
    path.write_text(scenario(), encoding="utf-8")
    result = run(path, directory / "out")
    assert result.ended, result.output
    return result


def test_as_many_groups_as_a_host_may_have_are_served(many: Run) -> None:
    served = [flow for flow in many.run()["flows"] if flow["received"]]
    assert len(served) == MOST
    assert len(many.run()["membership"]["mar1"]) == MOST


def test_the_rest_is_told_in_the_record_and_on_the_terminal(many: Run) -> None:
    refusals = many.run()["refusals"]
    assert {(r["node"], r["whom"], r["why"]) for r in refusals} == {("mar1", "mn1", WHY)}
    groups = {many.record["scenario"]["channels"][f["flow"].split("→")[0]]["group"]
              for f in many.run()["flows"] if not f["received"]}  # fmt: skip
    assert {r["what"] for r in refusals} == groups
    assert many.record["summary"]["refused.requests"]["mean"] == CHANNELS - MOST
    assert many.run()["refused"]["mar1"]["refusals"] == sum(r["times"] for r in refusals)
    (line,) = [line for line in many.output.splitlines() if line.startswith("refused by")]
    assert line.startswith("refused by mar1 to mn1: ff0e::")
    assert line.endswith(WHY)

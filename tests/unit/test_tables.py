"""A record as tables, as a notebook has it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import emu
from emu.measure.record import build
from emu.records import RecordError
from emu.tables import Record
from tests.synthetic_record import write_record

PAGE = Path(__file__).resolve().parents[2] / "docs" / "record.md"


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    directory = write_record(tmp_path_factory.mktemp("results") / "tv/latest", runs=2)
    build(directory)
    return emu.open_record(str(directory))


def test_a_row_a_handover(record: Record) -> None:
    table = record.handovers
    assert len(table) == sum(len(run["handovers"]) for run in record.data["runs"]) > 2
    first, measured = table.iloc[0], record.data["runs"][0]["handovers"][0]
    assert (first["run"], first["seed"], first["handover"]) == (1, record.data["seed"], 0)
    assert (first["mn"], first["from"], first["to"]) == ("mn1", "mar1", "mar2")
    assert first["binding_ms"] == measured["latency_ms"]["binding"]
    assert set(table.groupby("run").size()) == {2}


def test_a_row_a_flow_in_a_handover(record: Record) -> None:
    table = record.disruptions
    handover = record.data["runs"][1]["handovers"][1]
    found = table[(table.run == 2) & (table.handover == 1)]
    assert found.disruption_ms.tolist() == pytest.approx(
        [flow["disruption_ms"] for flow in handover["flows"]], nan_ok=True
    )


def test_flows_signalling_tunnels_and_the_summary(record: Record) -> None:
    run = record.data["runs"][0]
    flow = record.flows.iloc[0]
    assert flow["delay_median_ms"] == run["flows"][0]["delay_ms"]["median"]
    counted = record.signalling[record.signalling.run == 1].set_index("type")["messages"].to_dict()
    assert counted == {kind: one["messages"] for kind, one in run["signalling"].items()}
    assert len(record.tunnels) == sum(len(run["tunnels"]) for run in record.data["runs"])
    mean = record.data["summary"]["latency_ms.binding"]["mean"]
    assert record.summary.loc["latency_ms.binding", "mean"] == mean
    assert record.faithful
    assert repr(record).endswith("latest, 2 runs>")


def test_what_is_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"record\.json: no such file or directory"):
        emu.open_record(tmp_path)


def test_the_example_of_the_documents_does_what_it_says(
    record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(record.path.parents[1])
    (code,) = re.findall(
        r"```python\n(import emu\n.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    names: dict[str, object] = {}
    exec(code.replace("results/", ""), names)
    means = names["means"]
    assert isinstance(means, pd.Series)
    assert means.index.tolist() == [1, 2]


def test_importing_emu_loads_neither_pandas_nor_matplotlib() -> None:
    code = "import emu, sys; print([m for m in ('pandas', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert done.stdout == "[]\n", done.stderr

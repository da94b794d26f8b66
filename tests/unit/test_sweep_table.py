"""The table of a sweep, and the figures drawn from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from emu.measure import record
from emu.scenario import Scenario
from emu.show.sweep import show_table
from emu.sweep import plots, table
from emu.sweep.canvas import look
from emu.sweep.loader import Plan, plan
from emu.sweep.rows import METRICS, rows
from emu.sweep.work import Result
from tests.synthetic_record import write_record
from tests.unit.sweeps import spoiled_matrix, write_matrix

PLOTS = """\
plots:
  - {name: cdf, kind: cdf, metric: disruption_ms, curves: reach, panels: gap}
  - {name: median, kind: median, metric: lost, over: gap, curves: reach}
  - {name: model, kind: scatter, metric: disruption_ms, over: predicted_disruption_ms}
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Scenario]:
    built = record.build(write_record(tmp_path_factory.mktemp("record"), runs=1))
    return built, Scenario.model_validate(built["scenario"])


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    return plan(write_matrix(tmp_path, spoiled_matrix("attempts: 3", PLOTS + "attempts: 3")))


def result(found: list[dict[str, Any]], *, faithful: bool = True) -> Result:
    return Result("", "", found, faithful=faithful, problem=None, failed=False)


def test_a_row_is_a_flow_in_a_handover(measured):
    found = rows(*measured)
    flows = {(row["handover"], row["flow"]) for row in found}
    assert len(found) == len(flows) == 2 * 3
    (first,) = (r for r in found if (r["handover"], r["flow"]) == (0, "C1→mn1"))
    handover = measured[0]["runs"][0]["handovers"][0]
    (flow,) = (flow for flow in handover["flows"] if flow["flow"] == "C1→mn1")
    assert (first["mn"], first["from"], first["to"]) == ("mn1", "mar1", "mar2")
    assert first["disruption_ms"] == flow["disruption_ms"]
    assert first["total_ms"] == handover["latency_ms"]["total"]
    counted = [handover["signalling"][kind] for kind in ("PBU", "PBA", "MLD query", "MLD report")]
    assert "RA" in handover["signalling"]
    assert first["signalling_messages"] == sum(cost["messages"] for cost in counted)
    assert first["signalling_bytes"] == sum(cost["bytes"] for cost in counted)


def test_a_row_has_what_was_predicted(measured):
    (first, *_) = (row for row in rows(*measured) if row["flow"] == "C1→mn1")
    # gap 50; the answer to a query, after the binding, 10 s and 2 x 2 ms at most; tunnel 2 x 5; 2
    assert first["predicted_low_ms"] == 50 + 20 + 10 + 2
    assert first["predicted_high_ms"] == 50 + 10_004 + 10 + 2
    assert first["predicted_binding_ms"] == 20
    pings = [row for row in rows(*measured) if row["kind"] == "ping"]
    assert all("predicted_low_ms" not in row for row in pings)


def test_a_row_has_what_carrying_the_flow_cost(measured):
    whole, scenario = measured
    (run,) = whole["runs"]
    first, second = run["handovers"]
    costs = {"wasted_bytes": 5, "copies": 2, "tunnel_bytes": 900, "tunnel_overhead_bytes": 40}
    flows = [{**flow, **costs} for flow in first["flows"]]
    found = rows({"runs": [{**run, "handovers": [{**first, "flows": flows}, second]}]}, scenario)
    assert all({key: row[key] for key in costs} == costs for row in found if not row["handover"])
    assert {row["tunnel_bytes"] for row in found if row["handover"]} == {0}


def test_a_handover_without_flows_has_a_row_too(measured):
    whole, scenario = measured
    (run,) = whole["runs"]
    first, second = ({**handover, "flows": []} for handover in run["handovers"])
    found = rows({"runs": [{**run, "handovers": [first, second], "flows": []}]}, scenario)
    assert [row["handover"] for row in found] == [0, 1]
    assert found[0]["total_ms"] == first["latency_ms"]["total"]
    assert all("flow" not in row for row in found)


def test_a_flow_without_handovers_has_a_row_too(measured):
    whole, scenario = measured
    still = {**whole, "runs": [{**whole["runs"][0], "handovers": []}]}
    found = rows(still, scenario)
    assert sorted(row["flow"] for row in found) == ["C1→mn1", "download", "ping-mn1-server1"]
    assert found[0]["join_ms"] is not None


def test_parquet_and_csv_hold_the_same_tidy_table(measured, planned, tmp_path):
    results = {job.name: result(rows(*measured)) for job in planned.jobs[:4]}
    frame = table.table(planned.jobs, results)
    table.write(frame, tmp_path)
    assert len(frame) == 4 * 6
    assert list(frame.columns)[:5] == ["gap_ms", "reach", "seed", "faithful", "attempts"]
    assert set(METRICS) <= set(frame.columns)
    parquet = pd.read_parquet(tmp_path / "table.parquet")
    csv = pd.read_csv(tmp_path / "table.csv")
    pd.testing.assert_frame_equal(parquet, frame)
    assert list(csv.columns) == list(frame.columns)
    assert csv["disruption_ms"].tolist() == pytest.approx(frame["disruption_ms"].tolist(), rel=1e-5)
    assert sorted(frame["gap_ms"].unique()) == [0, 50]


def test_figures_are_drawn_of_faithful_runs_only(measured, planned, tmp_path):
    results = {job.name: result(rows(*measured)) for job in planned.jobs}
    frame = table.table(planned.jobs, results)
    drawn = plots.draw(planned.matrix, frame, tmp_path / "figures")
    assert [path.name for path in drawn] == ["cdf.svg", "median.svg", "model.svg"]
    whole = {path: path.read_text(encoding="utf-8") for path in drawn}
    assert all("<svg" in text for text in whole.values())
    marked = {job.name: result(rows(*measured), faithful=False) for job in planned.jobs}
    nothing = plots.draw(planned.matrix, table.table(planned.jobs, marked), tmp_path / "figures")
    assert all(len(path.read_text(encoding="utf-8")) < len(whole[path]) for path in nothing)


def test_without_plots_the_disruption_is_drawn(measured, tmp_path):
    planned = plan(write_matrix(tmp_path))
    frame = table.table(planned.jobs, {planned.jobs[0].name: result(rows(*measured))})
    (drawn,) = plots.draw(planned.matrix, frame, tmp_path / "figures")
    assert drawn.name == "disruption.svg"


def test_an_empty_list_of_plots_is_no_plot(measured, tmp_path):
    planned = plan(write_matrix(tmp_path, spoiled_matrix("attempts: 3", "plots: []\nattempts: 3")))
    frame = table.table(planned.jobs, {planned.jobs[0].name: result(rows(*measured))})
    assert plots.draw(planned.matrix, frame, tmp_path / "figures") == []
    assert not (tmp_path / "figures").exists()


def test_the_data_behind_a_figure_are_beside_it(measured, planned, tmp_path):
    results = {job.name: result(rows(*measured)) for job in planned.jobs}
    frame = table.table(planned.jobs, results)
    drawn = plots.draw(planned.matrix, frame, tmp_path / "figures")
    data = pd.read_csv(drawn[0].with_suffix(".csv"))
    assert list(data.columns) == ["gap_ms", "reach", "disruption_ms"]
    assert sorted(data.disruption_ms) == pytest.approx(sorted(frame.disruption_ms.dropna()))


def test_one_value_is_a_step_of_an_ecdf(measured, planned):
    axes = Figure().subplots()
    one = pd.DataFrame({"disruption_ms": [3.0]})
    plots._cdf(axes, planned.matrix, planned.matrix.plots[0], one, "", look(0), 0)
    (line,) = axes.lines
    assert line.get_xydata().tolist() == [[3, 0], [3, 1]]


def test_names_are_not_joined_by_a_line(planned, measured):
    named = planned.matrix.plots[1].model_copy(update={"over": "reach"})
    results = {job.name: result(rows(*measured)) for job in planned.jobs}
    frame = table.table(planned.jobs, results)
    for plot, style in ((planned.matrix.plots[1], "-"), (named, "None")):
        axes = Figure().subplots()
        plots._median(axes, planned.matrix, plot, frame, "", look(0), 0)
        assert axes.lines[0].get_linestyle() == style


def test_a_sweep_without_any_result_has_an_empty_table(planned, tmp_path):
    frame = table.table(planned.jobs, {})
    table.write(frame, tmp_path)
    assert len(pd.read_parquet(tmp_path / "table.parquet")) == 0
    assert len(plots.draw(planned.matrix, frame, tmp_path / "figures")) == 3


def test_a_flow_that_did_not_come_back_counts_apart(measured, planned, tmp_path, capsys):
    """Its lower bound is in the table, marked; neither in medians nor in figures."""
    found = rows(*measured)
    channel = [row for row in found if row["flow"] == "C1→mn1"]
    channel[0] |= {"recovered": False, "disruption_ms": 6852.0, "lost": 686}
    frame = table.table(planned.jobs, {planned.jobs[0].name: result(channel)})
    assert frame["disruption_ms"].max() == 6852
    counting = table.counted(frame)
    assert len(counting) == 2
    assert counting["disruption_ms"].dropna().tolist() == [channel[1]["disruption_ms"]]
    assert counting["lost"].dropna().tolist() == [channel[1]["lost"]]
    show_table(Console(width=200), planned.matrix, frame)
    _, _, line, note = capsys.readouterr().out.splitlines()[:4]
    assert line.split()[2:4] == ["1", f"{channel[1]['disruption_ms']:.1f}"]
    assert note == "0, near: 1 of 2 did not come back: not counted"
    cdf, *_ = plots.draw(planned.matrix, frame, tmp_path / "figures")
    assert "(1 did not come back)" in cdf.read_text(encoding="utf-8")


def test_a_prediction_stands_beside_what_has_one(measured, planned, capsys):
    """And a handover's signalling counts once, however many flows the handover touched."""
    found = rows(*measured)
    predicted = [row for row in found if row.get("predicted_disruption_ms") is not None]
    assert 0 < len(predicted) < len(found)
    for row in found:
        row |= {"disruption_ms": 451.0 if row in predicted else 70.0}
        row |= {"signalling_bytes": 1000.0 if row["handover"] == 0 else 3000.0}
    first = [row for row in found if row["handover"] == 0][:1]
    second = [row for row in found if row["handover"] == 1]
    frame = table.table(planned.jobs, {planned.jobs[0].name: result(first + second)})
    show_table(Console(width=200), planned.matrix, frame)
    _, _, line = capsys.readouterr().out.splitlines()[:3]
    assert line.split()[5] == "451.0"
    assert line.split()[-1] == "2,000"

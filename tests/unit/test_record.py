from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emu.conductor import ASKED_FOR
from emu.events import EventTail
from emu.measure import pcapng, record
from emu.measure.record import RecordError
from emu.show import outcome
from emu.traffic import arrivals
from tests.synthetic_record import MS, SECOND, T0, disturb, send_late, write_record


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_record(tmp_path_factory.mktemp("record"), runs=3)
    record.build(directory)
    return directory


@pytest.fixture
def result(built: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((built / "record.json").read_text(encoding="utf-8"))
    return loaded


def test_the_promised_names(result: dict[str, Any]) -> None:
    top = {"schema", "scenario", "seed", "emu_version", "kernel", "backends", "fidelity", "runs"}
    assert top | {"summary"} <= set(result)
    run = result["runs"][0]
    assert {"handovers", "flows", "signalling", "membership", "tunnels"} <= set(run)
    handover = run["handovers"][0]
    assert {"mn", "from", "to", "at_s", "latency_ms", "flows"} <= set(handover)
    parts = {"l2", "authentication", "detection", "binding", "address", "total"}
    assert set(handover["latency_ms"]) == parts
    assert handover["care_of_test_ms"] is None
    marks = {"flow", "kind", "disruption_ms", "lost", "duplicated", "reordered"}
    assert marks | {"delay_before_ms", "delay_after_ms"} <= set(handover["flows"][0])
    flow = {"flow", "kind", "to", "sent", "received", "lost", "duplicated", "reordered"}
    assert flow | {"delay_ms"} <= set(run["flows"][0])
    statistics = {"n", "runs", "mean", "stdev", "min", "median", "p95", "max"}
    statistics |= {"ci95", "ci95_low", "ci95_high"}
    assert all(set(entry) == statistics for entry in result["summary"].values())


def test_handovers_and_their_latency(result: dict[str, Any]) -> None:
    first, second = result["runs"][0]["handovers"]
    assert (first["mn"], first["from"], first["to"], first["at_s"]) == ("mn1", "mar1", "mar2", 4)
    assert (second["from"], second["to"], second["at_s"]) == ("mar2", "mar3", 8)
    assert first["latency_ms"] == {
        "l2": 50, "authentication": 0, "detection": 1, "binding": 20.5, "address": 17.5,
        "total": 90,
    }  # fmt: skip


def test_flows(result: dict[str, Any]) -> None:
    multicast, ping, tcp = result["runs"][0]["flows"]
    assert (multicast["sent"], multicast["received"], multicast["lost"]) == (1200, 1180, 20)
    assert (ping["lost"], ping["local_address"]) == (20, "2001:db8:1:1:0:ff:fe00:101")
    assert (tcp["goodput_mbit_s"], tcp["retransmits"], tcp["lost"]) == (21, 12, None)
    lost = [flow["lost"] for flow in result["runs"][0]["handovers"][0]["flows"]]
    assert lost == [10, 10, None]


def test_signalling_of_a_run_and_of_a_handover(result: dict[str, Any]) -> None:
    messages = {kind: cost["messages"] for kind, cost in result["runs"][0]["signalling"].items()}
    assert messages == {"MLD query": 2, "MLD report": 4, "PBA": 4, "PBU": 4, "RA": 4}
    handover = result["runs"][0]["handovers"][0]["signalling"]
    # One previous MAR: 2n + 2 mobility messages (RFC 8885 section 3.4).
    assert handover["PBU"]["messages"] + handover["PBA"]["messages"] == 4


def test_the_summary_describes_handovers_and_infers_from_runs(result: dict[str, Any]) -> None:
    total = result["summary"]["latency_ms.total"]
    assert (total["n"], total["min"], total["max"]) == (6, 90, 92)
    # Runs of two handovers of 90, 91 and 92 ms each: t(0.975, 2) = 4.30265, over sqrt(3).
    assert (total["runs"], total["mean"]) == (3, 91)
    assert total["ci95"] == pytest.approx(2.484138, abs=1e-5)
    assert result["summary"]["disruption_ms.tcp"]["n"] == 6
    assert "lost.tcp" not in result["summary"]
    assert result["summary"]["signalling.PBU.messages"]["n"] == 3


def test_one_run_has_no_interval_however_many_flows_it_has(tmp_path: Path) -> None:
    summary = record.build(write_record(tmp_path, runs=1))["summary"]
    assert summary["disruption_ms.multicast"]["n"] == 2
    assert {entry["runs"] for entry in summary.values()} == {1}
    assert {entry["ci95"] for entry in summary.values()} == {None}


def test_files_merge_into_the_record(built: Path) -> None:
    assert (built / "captures" / "mar2-radio.pcapng").exists()
    assert not (built / "runs" / "1" / "captures").exists()
    assert (built / "runs" / "2" / "captures" / "mar2-radio.pcapng").exists()
    events = [
        json.loads(line)
        for line in (built / "events.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert {event["run"] for event in events} == {1, 2, 3}


def test_building_again_gives_the_same(built: Path) -> None:
    before = (built / "record.json").read_text(encoding="utf-8")
    record.build(built)
    assert (built / "record.json").read_text(encoding="utf-8") == before


def test_a_machine_that_could_not_keep_up(tmp_path: Path) -> None:
    result = record.build(write_record(tmp_path, runs=1, ok=False))
    assert result["fidelity"]["ok"] is False
    assert "run 1: timers were late" in result["fidelity"]["reason"]


def test_a_handover_in_which_the_machine_stood_still_is_not_counted(tmp_path: Path) -> None:
    write_record(tmp_path, runs=2)
    disturb(tmp_path, 1, (T0 + 4 * SECOND + 5 * MS, T0 + 4 * SECOND + 60 * MS))
    result = record.build(tmp_path)
    marked = [[h["disturbed"] for h in run["handovers"]] for run in result["runs"]]
    assert marked == [[True, False], [False, False]]
    assert result["fidelity"]["ok"] is True
    assert result["summary"]["latency_ms.total"]["n"] == 3
    assert result["summary"]["disruption_ms.multicast"]["n"] == 3


def test_a_handover_in_which_a_source_stood_still_is_not_counted(tmp_path: Path) -> None:
    """What it had not sent was not lost: such a handover would look better than it is."""
    write_record(tmp_path, runs=2)
    send_late(tmp_path, 1, (T0 + 4 * SECOND + 5 * MS, T0 + 4 * SECOND + 60 * MS))
    result = record.build(tmp_path)
    marked = [[h["disturbed"] for h in run["handovers"]] for run in result["runs"]]
    assert marked == [[True, False], [False, False]]
    ((start, end),) = result["fidelity"]["runs"][0]["stalls"]
    assert (start, end) == (T0 + 4 * SECOND + 10 * MS, T0 + 4 * SECOND + 60 * MS)
    assert result["summary"]["disruption_ms.multicast"]["n"] == 3


def test_a_machine_that_stood_still_in_most_handovers(tmp_path: Path) -> None:
    write_record(tmp_path, runs=1)
    disturb(tmp_path, 1, (T0, T0 + 12 * SECOND))
    result = record.build(tmp_path)
    assert result["fidelity"]["ok"] is False
    assert "stalls took more than 5% of 2 of 2 handovers" in result["fidelity"]["reason"]


def test_packets_that_the_capture_lost(tmp_path: Path) -> None:
    write_record(tmp_path, runs=1)
    writer = pcapng.Writer(tmp_path / "runs" / "1" / "captures" / "extra.pcapng")
    writer.interface(pcapng.Interface("x"))
    writer.statistics(0, 10, 4)
    writer.close()
    result = record.build(tmp_path)
    assert result["fidelity"]["reason"] == "run 1: the captures lost 4 packets"


def test_a_run_that_left_nothing_is_left_out(tmp_path: Path) -> None:
    write_record(tmp_path, runs=2)
    (tmp_path / "runs" / "2" / "meta.json").unlink()
    assert [run["run"] for run in record.build(tmp_path)["runs"]] == [1]
    (tmp_path / "runs" / "1" / "meta.json").unlink()
    with pytest.raises(RecordError):
        record.build(tmp_path)


def test_a_flow_that_did_not_come_back_counts_apart(tmp_path: Path) -> None:
    """The channel stops for good at the second handover of the second run."""
    directory = write_record(tmp_path, runs=2)
    path = directory / "runs" / "2" / "arrivals" / "C1.mn1@mn1.bin"
    came = [row for row in arrivals.read(path) if row[2] < T0 + 8 * SECOND]
    path.write_bytes(b"".join(row.tobytes() for row in came))
    built = record.build(directory)
    last = built["runs"][1]["handovers"][1]["flows"][0]
    assert (last["recovered"], last["lost"]) == (False, 401)
    assert last["disruption_ms"] > 3900
    gaps, lost = (built["summary"][f"{what}.multicast"] for what in ("disruption_ms", "lost"))
    assert (gaps["n"], gaps["not_recovered"], lost["not_recovered"]) == (3, 1, 1)
    assert gaps["max"] < 200
    assert "not_recovered" not in built["summary"]["disruption_ms.ping"]


def test_a_torn_line_of_the_event_log_loses_itself_only(tmp_path: Path) -> None:
    whole = record.build(write_record(tmp_path / "whole", runs=1))
    directory = write_record(tmp_path / "torn", runs=1)
    path = directory / "runs" / "1" / "events.jsonl"
    first, second, *others = path.read_bytes().splitlines(keepends=True)
    torn = b'{"t": 5000000000000, "node": "mar1", "kind": "se'
    broken = b'{"t": 5000000000000, "node": "mar1", "kind\xff\n'
    path.write_bytes(first + torn + second + broken + b"7\n" + b"".join(others) + torn)
    built = record.build(directory)
    assert (whole["runs"][0]["torn_events"], built["runs"][0]["torn_events"]) == (0, 3)
    assert built["runs"][0] | {"torn_events": 0} == whole["runs"][0]
    said = list(outcome.torn(built["runs"]))
    assert said == ["run 1: 3 lines of the event log are torn: the rest counts"]


def test_a_torn_line_does_not_end_a_run(tmp_path: Path) -> None:
    heard: list[dict[str, Any]] = []
    tail = EventTail(tmp_path / "events.jsonl", heard.append)
    line = b'{"t": 1, "node": "mar1", "kind": "ready"}'
    (tmp_path / "events.jsonl").write_bytes(line[:20] + line + b"\n" + line[:9] + b"\n" + line)
    tail.poll()
    assert heard == [json.loads(line)]


def test_of_what_packets_make_routers_write_no_more_is_kept_than_is_asked_for(
    tmp_path: Path,
) -> None:
    """10,000 datagrams to as many groups have each router write as many lines."""
    heard: Counter[str] = Counter()
    path = tmp_path / "events.jsonl"
    tail = EventTail(path, lambda event: heard.update([event["kind"]]))
    ready = {"t": 1, "node": "mar1", "kind": "ready"}
    lines = [{"t": 2, "node": "mar1", "kind": "forwarding", "group": n} for n in range(10_000)]
    path.write_text(
        "".join(json.dumps(line) + "\n" for line in (ready, lines[0])), encoding="utf-8"
    )
    tail.poll()
    tail.keep_only(ASKED_FOR)
    with path.open("a", encoding="utf-8") as more:
        more.write("".join(json.dumps(line) + "\n" for line in (*lines, ready)))
    tail.poll()
    assert tail.events == [ready, lines[0], ready]
    assert heard == {"forwarding": 10_001, "ready": 2}

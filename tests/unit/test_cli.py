"""What each command takes, prints and ends with."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from agents.kernel.capabilities import Capabilities
from agents.kernel.neighbour_table import NeighbourTable
from emu import __version__, doctor, runner
from emu.cli import commands, emu
from emu.live.broadcast import Broadcast
from emu.show.numbers import HINT
from emu.sweep.store import Store
from tests.unit.scenarios import GOOD, spoiled

ALL = Capabilities(**{field.name: True for field in dataclasses.fields(Capabilities)})
FLOW = {"flow": "C1", "kind": "multicast", "interval_ms": 10.5, "lost": 3, "duplicated": 0}


def handover(disruption_ms: float | None, total: float | None) -> dict[str, Any]:
    latency = {
        "l2": 50.0,
        "authentication": 0.0,
        "detection": 1.25,
        "binding": 22.5,
        "address": None,
        "total": total,
    }
    flow = {**FLOW, "disruption_ms": disruption_ms, "recovered": True}
    where = {"mn": "mn1", "from": "mar1", "to": "mar2", "at_s": 4.0, "disturbed": False}
    return {**where, "latency_ms": latency, "flows": [flow]}


def run_with(disruption_ms: float | None, total: float | None = 61.5) -> dict[str, Any]:
    return {
        "handovers": [handover(disruption_ms, total)],
        "flows": [FLOW],
        "signalling": {"PBU": {"messages": 4, "bytes": 400}},
    }


def record(*runs: dict[str, Any]) -> dict[str, Any]:
    fidelity = {"ok": True, "reason": None}
    return {"scenario": {}, "fidelity": fidelity, "runs": list(runs), "summary": {}}


class Machine:
    """One that lacks nothing, with a runner that runs nothing: it notes what it is given."""

    def __init__(self, directory: Path) -> None:
        self.asked: list[runner.RunOptions] = []
        self.record = record(run_with(60.0), run_with(70.0))
        self.outcome: dict[str, Any] = {"failed": None, "interrupted": False}
        self.directory = directory
        self.page: Broadcast | None = None

    def run(
        self,
        path: Path,
        scenario: object,
        options: runner.RunOptions,
        tell: Callable[[dict[str, Any]], None],
        page: Broadcast | None,
    ) -> runner.Outcome:
        self.asked.append(options)
        self.page = page
        tell({"run": 1, "t": None, "text": "building", "kind": "state"})
        tell({"run": 2, "t": 4.0, "text": "mn1 leaves [mar1]", "kind": "l2_down"})
        return runner.Outcome(self.directory, self.record, **self.outcome)


def install_all_but(monkeypatch: pytest.MonkeyPatch, *absent: str) -> None:
    def which(name: str, **_: object) -> str | None:
        return None if name in absent else f"/usr/bin/{name}"

    monkeypatch.setattr("emu.requirements.shutil.which", which)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.chdir(tmp_path)
    Path("good.yaml").write_text(GOOD, encoding="utf-8")
    made = Machine(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(doctor, "probe", lambda: ALL)
    install_all_but(monkeypatch)
    monkeypatch.setattr(runner, "run", made.run)
    return made


def call(*arguments: str) -> Result:
    return CliRunner().invoke(commands, list(arguments))


def test_without_arguments_it_prints_its_help() -> None:
    result = call()
    assert result.exit_code == 0
    for command in ("run", "sweep", "model", "check", "doctor", "shell", "list", "report"):
        assert f"  {command} " in result.stdout


def test_it_tells_its_version() -> None:
    assert call("--version").stdout == f"emu, version {__version__}\n"


def test_an_unknown_command_is_one_of_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert emu(["rnu"]) == 2
    assert "No such command 'rnu'" in capsys.readouterr().err


def test_run_takes_seed_and_repeat_from_the_scenario(machine: Machine) -> None:
    Path("good.yaml").write_text(
        spoiled("duration: 10s", "duration: 10s\nseed: 7\nrepeat: 5"), encoding="utf-8"
    )
    assert call("run", "good.yaml").exit_code == 0
    assert machine.asked == [runner.RunOptions(Path("results"), 7, 5, 1, False)]


def test_run_passes_its_options_on(machine: Machine) -> None:
    options = "--out o --seed 0 --repeat 2 --jobs 3 --keep-captures"
    assert call("run", "good.yaml", *options.split()).exit_code == 0
    assert machine.asked == [runner.RunOptions(Path("o"), 0, 2, 3, True)]


def test_run_shows_progress_and_results(machine: Machine) -> None:
    result = call("run", "good.yaml", "--repeat", "2")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "run 1 of 2 building" in lines
    assert "run 2 of 2 4.000 s mn1 leaves [mar1]" in lines
    assert "4.000 s mn1 mar1 → mar2 50.0 1.2 22.5 - 61.5" in lines
    # Two runs, of 60 and 70 ms: Student's t with one degree of freedom is 12.7062.
    assert "C1 multicast 2 65 ± 64 65.0 3 0" in lines
    assert HINT not in result.stdout
    assert "PBU 4 400" in lines
    assert lines[-1].startswith("report: ")


def test_one_run_has_no_interval_and_says_what_makes_one(machine: Machine) -> None:
    machine.record = record(run_with(60.0))
    stdout = call("run", "good.yaml").stdout
    assert "C1 multicast 1 60.0 60.0 3 0" in [
        " ".join(line.split()) for line in stdout.splitlines()
    ]
    assert HINT in stdout.replace("\n", " ")


def test_run_says_how_finely_a_disruption_is_known(machine: Machine) -> None:
    said = "a disruption is known to one packet interval:"
    assert f"{said} 10.5 ms\n" in call("run", "good.yaml").stdout
    ping = {**FLOW, "flow": "ping", "interval_ms": 10.0}
    for run in machine.record["runs"]:
        run["flows"] = [*run["flows"], ping]
        run["handovers"][0]["flows"].append({**ping, "disruption_ms": 5.0, "recovered": True})
    assert f"{said} 10.5 ms (C1), 10.0 ms (ping)\n" in call("run", "good.yaml").stdout


def test_a_stream_that_did_not_come_back_is_in_no_mean(machine: Machine) -> None:
    gone = run_with(6852.0)
    gone["handovers"][0]["flows"][0]["recovered"] = False
    machine.record = record(run_with(60.0), gone)
    lines = [" ".join(line.split()) for line in call("run", "good.yaml").stdout.splitlines()]
    assert "C1 multicast 2 60.0 60.0 3 0" in lines
    assert "not counted: 1 of 2 handovers of C1, which did not come back" in lines


def test_the_goodput_of_a_load_is_in_the_table_of_streams(machine: Machine) -> None:
    load = {**FLOW, "flow": "up", "kind": "iperf3", "interval_ms": None}
    machine.record = record(
        *(
            {**run_with(None), "flows": [FLOW, {**load, "goodput_mbit_s": rate}]}
            for rate in (21.25, 22.35)
        )
    )
    lines = [" ".join(line.split()) for line in call("run", "good.yaml").stdout.splitlines()]
    assert any("goodput" in line for line in lines)
    assert "up iperf3 0 - - 3 0 21.8" in lines
    assert any(line.startswith("C1 multicast ") and line.endswith(" 3 0 -") for line in lines)


def test_run_with_json_prints_the_record_alone(machine: Machine) -> None:
    result = call("run", "good.yaml", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == machine.record
    assert result.stderr == ""


def test_a_result_of_a_machine_that_could_not_keep_up_is_marked(machine: Machine) -> None:
    machine.record["fidelity"] = {"ok": False, "reason": "run 1: CPU load 99 %"}
    result = call("run", "good.yaml")
    lines = result.stdout.splitlines()
    assert "not a result: the machine could not keep up:" in lines
    assert "run 1: CPU load 99 %" in lines
    assert (result.exit_code, result.stderr) == (
        4,
        "this is not a result: run it again, with less else on this machine\n",
    )


def test_a_failed_run_ends_with_status_1(machine: Machine) -> None:
    machine.outcome["failed"] = "run 1: no room"
    machine.record.clear()
    result = call("run", "good.yaml")
    assert (result.exit_code, result.stderr) == (1, "the run failed: run 1: no room\n")


def test_an_interrupted_run_shows_what_was_done(machine: Machine) -> None:
    machine.outcome["interrupted"] = True
    machine.record = record(run_with(None, None))
    result = call("run", "good.yaml")
    assert result.exit_code == 130
    assert result.stderr == f"interrupted: {machine.directory} has what was done\n"
    assert "C1" in result.stdout


def test_ctrl_c_elsewhere_is_one_line_too(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "run", interrupt)
    assert emu(["run", "good.yaml"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted"


def test_a_live_page_is_served_if_it_is_asked_for(machine: Machine) -> None:
    assert "live page" not in call("run", "good.yaml").stdout
    assert machine.page is None
    result = call("run", "good.yaml", "--live", "--json")
    assert machine.page is not None
    assert result.stderr == f"live page: {machine.page.address}\n"
    assert json.loads(result.stdout) == machine.record
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = call("run", "--live", str(port), "good.yaml")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"no live page: port {port} of 127.0.0.1: ")
    assert len(machine.asked) == 2  # nothing was started


@pytest.mark.parametrize("command", ["run", "shell"])
def test_root_is_asked_for_with_the_command_to_give(
    command: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = call(command, "good.yaml")
    line = f"emu {command} needs root: sudo python -m emu {command} good.yaml\n"
    assert (result.exit_code, result.stderr) == (3, line)
    assert machine.asked == []


def test_what_the_machine_lacks_is_named_with_what_installs_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_all_but(monkeypatch, "iperf3", "ovs-vswitchd", "ovsdb-tool", "tshark")
    text = spoiled("kind: ping", "kind: iperf3")
    Path("iperf3.yaml").write_text(text, encoding="utf-8")
    switch = (
        "this machine lacks ovs-vswitchd, ovsdb-tool (the radio switch): "
        "sudo apt-get install openvswitch-switch"
    )
    iperf3 = "this machine lacks iperf3 (iperf3 traffic): sudo apt-get install iperf3"
    assert call("run", "good.yaml").stderr.splitlines() == [switch]
    assert call("run", "iperf3.yaml").stderr.splitlines() == [switch, iperf3]
    assert call("run", "iperf3.yaml").exit_code == 3
    assert machine.asked == []


def test_a_call_needs_sipp(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    install_all_but(monkeypatch, "sipp")
    call_of = "services:\n  talk: {kind: call, from: mn1, to: server1}\ntraffic:"
    Path("call.yaml").write_text(spoiled("traffic:", call_of), encoding="utf-8")
    assert call("run", "good.yaml").exit_code == 0
    result = call("run", "call.yaml")
    line = "this machine lacks sipp (calls): sudo apt-get install sip-tester\n"
    assert (result.exit_code, result.stderr) == (3, line)


def test_a_video_needs_a_web_server_and_who_plays_it_a_player(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_all_but(monkeypatch, "nginx", "gst-launch-1.0")
    monkeypatch.setattr(doctor, "probe", lambda: dataclasses.replace(ALL, interception=False))
    video = "services:\n  video: {kind: origin, node: server1}\n"
    Path("origin.yaml").write_text(spoiled("traffic:\n", f"{video}traffic:\n"), encoding="utf-8")
    result = call("run", "origin.yaml")
    nginx = "this machine lacks nginx (web origins and caches): sudo apt-get install nginx-light"
    assert (result.exit_code, result.stderr.splitlines()) == (3, [nginx])
    video += "  edge: {kind: cache, at: [mar1], origin: video}\n"
    video += "  tv: {kind: player, node: mn1, origin: video}\n"
    Path("player.yaml").write_text(spoiled("traffic:\n", f"{video}traffic:\n"), encoding="utf-8")
    result = call("run", "player.yaml")
    first, player, kernel = result.stderr.splitlines()
    assert (result.exit_code, first) == (3, nginx)
    assert "gstreamer1.0-plugins-good" in player
    assert "caches at MARs in the kernel (CONFIG_NFT_TPROXY, CONFIG_NFT_SOCKET)" in kernel
    assert machine.asked == []


def test_a_kernel_feature_is_needed_only_where_the_scenario_uses_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = dataclasses.replace(ALL, mrt6=False, optimistic_dad=False, netem=False)
    monkeypatch.setattr(doctor, "probe", lambda: lacking)
    assert call("run", "good.yaml").stderr == (
        "this machine lacks IPv6 multicast forwarding in the kernel (CONFIG_IPV6_MROUTE): "
        "use a stock Debian or Ubuntu kernel (in a container: a privileged one)\n"
    )
    least = "name: a\nduration: 1s\nmulticast: {scheme: none}\ntopology: {kind: line, mars: 2}\n"
    Path("unicast.yaml").write_text(least, encoding="utf-8")
    assert call("run", "unicast.yaml").exit_code == 0


def test_results_that_cannot_be_written_are_refused_before_the_run(machine: Machine) -> None:
    Path("file").touch()
    result = call("run", "good.yaml", "--out", "file/results")
    assert (result.exit_code, result.stderr) == (
        2,
        "file/results: not a directory; choose a folder with --out\n",
    )
    assert machine.asked == []


def test_doctor_shows_backends_and_what_is_there(machine: Machine) -> None:
    result = call("doctor")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "switch Open vSwitch, kernel datapath" in lines
    assert "tunnel ip6tnl" in lines
    assert "delay netem" in lines
    assert "mrt6 yes IPv6 multicast forwarding" in lines
    assert "iperf3 yes iperf3 traffic" in lines


def test_a_table_of_neighbours_that_is_nearly_full_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, full = "IPv6 neighbours, of all runs: 512 of 1024", "this machine's table of IPv6"
    monkeypatch.setattr(doctor, "neighbour_table", lambda: NeighbourTable(1024, 512, 0))
    shown = call("doctor").stdout
    assert used in shown
    assert full not in shown
    assert full not in call("run", "good.yaml").stdout
    monkeypatch.setattr(doctor, "neighbour_table", lambda: NeighbourTable(1024, 513, 7))
    shown = call("doctor").stdout
    assert "it was full for 7 packets" in shown
    for told in (shown, call("run", "good.yaml").stdout):
        assert "has 513 entries, its limit is 1024" in told
        assert "sudo sysctl -w net.ipv6.neigh.default.gc_thresh3=8192" in told


def test_doctor_says_it_to_programs_too(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    found = json.loads(call("doctor", "--json").stdout)
    assert found["backends"]["tunnel"] == "ip6tnl"
    assert {one["name"]: one["works"] for one in found["features"]}["mrt6"] is True
    assert found["missing"] == []
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    install_all_but(monkeypatch, "mnexec")
    result = call("doctor", "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["features"]) == (3, None)
    assert found["missing"] == ["mnexec (Mininet's hosts): sudo apt-get install mininet"]


def test_doctor_ends_with_status_3_when_something_needed_is_missing(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_all_but(monkeypatch, "mnexec")
    monkeypatch.setattr(doctor, "probe", lambda: dataclasses.replace(ALL, mrt6=False))
    result = call("doctor")
    assert result.exit_code == 3
    first, second = result.stderr.splitlines()
    assert first == "missing: mnexec (Mininet's hosts): sudo apt-get install mininet"
    assert second.startswith("missing: IPv6 multicast forwarding in the kernel")


def write_record(directory: Path, text: str) -> None:
    directory.mkdir(parents=True)
    (directory / "record.json").write_text(text, encoding="utf-8")


def test_list_shows_every_record_oldest_first(machine: Machine) -> None:
    good = json.dumps(record(run_with(60.0), run_with(None), run_with(70.0)))
    write_record(Path("results/tv/20260102T000000Z-7"), good)
    write_record(Path("results/radio/20260101T000000Z-1"), "{")
    Path("results/tv/latest").symlink_to("20260102T000000Z-7")
    lines = [" ".join(line.split()) for line in call("list").stdout.splitlines()]
    assert lines[1:] == [
        "results/radio/20260101T000000Z-1 ? unreadable record",
        "results/tv/20260102T000000Z-7 3 ok 65.0, up to 70.0",
    ]


def test_list_shows_sweeps_too(machine: Machine) -> None:
    cells = Path("results/gaps/cells")
    for name, faithful, failed in (("a", True, False), ("b", False, False), ("c", False, True)):
        (cells / name).mkdir(parents=True)
        cell = json.dumps({"faithful": faithful, "failed": failed})
        (cells / name / "cell.json").write_text(cell, encoding="utf-8")
        os.utime(cells / name / "cell.json", (2e9, 2e9))
    write_record(Path("results/tv/20260102T000000Z-7"), json.dumps(record(run_with(60.0))))
    lines = [" ".join(line.split()) for line in call("list").stdout.splitlines()]
    assert lines[2] == "results/gaps 3 sweep, stopped, 1 unfaithful, 1 failed"
    first, second = json.loads(call("list", "--json").stdout)
    assert (first["kind"], first["seed"], first["time"]) == (
        "record",
        7,
        "2026-01-02T00:00:00+00:00",
    )
    assert first["disruption_ms"] == {"n": 1, "median": 60.0, "max": 60.0}
    assert (second["kind"], second["runs"], second["failed"]) == ("sweep", 3, 1)
    with Store(Path("results/gaps")).locked():
        assert "sweep, running" in call("list").stdout


def test_model_says_it_to_programs_too(machine: Machine) -> None:
    data = json.loads(call("model", "good.yaml", "--json").stdout)
    (move,) = data["handovers"]
    assert (move["mn"], move["from"], move["to"], move["gap_ms"]) == ("mn1", "mar1", "mar2", 50.0)
    assert move["sum_ms"] == move["gap_ms"] + move["authentication_ms"] + move["binding_ms"]
    (channel,) = data["channels"]
    low, mean, high = (channel["disruption_ms"][name] for name in ("low", "mean", "high"))
    assert low < mean < high
    assert "HDMM proxy" in {scheme["scheme"] for scheme in data["schemes"]}


def test_list_of_nothing_says_so(machine: Machine) -> None:
    assert call("list").stdout == "results has no record yet; emu run makes one\n"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("latest", "results: has no record yet; emu run makes one"),
        ("absent", "absent/record.json: no such file or directory; emu list shows what there is"),
        ("list", "list/record.json: is not a record; emu list shows what there is"),
    ],
)
def test_report_needs_a_record(name: str, error: str, machine: Machine) -> None:
    write_record(Path("list"), "[]")
    result = call("report", name)
    assert (result.exit_code, result.stderr) == (2, error + "\n")

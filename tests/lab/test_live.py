"""A run that is watched: what the page shows meanwhile is what the record has afterwards."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.lab.emu_run import ROOT, Run, command, finish
from tests.live_page import browser_page, replaying, rows, seek, wait_for_end

pytestmark = pytest.mark.root

SCENARIO = """
name: watched
seed: 3
duration: 12s
topology:
  kind: dmm-domain
  mars: 2
  backhaul: {delay: 5ms}
  cmd: {delay: 5ms}
mobility: {scheme: dmm, variant: proxy}
multicast: {scheme: mld-dmm, query_response_interval: 500ms}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  src: {role: source}
channels:
  C1: {group: "ff3e::c1", source: src, rate: 500kbit}
traffic:
  - {kind: multicast, channel: C1, to: [mn1]}
  - {kind: ping, from: mn1, to: src, interval: 20ms}
events:
  - {at: 5s, handover: mn1, to: mar2, gap: 50ms}
"""
MOMENTS = (1.0, 5.03, 6.5, 11.5)
PANELS = ("mobile", "flows", "tunnels", "trees", "messages", "counts", "told")


@dataclass
class Watched:
    """A run, and what its viewers had of it."""

    run: Run
    address: str = ""
    namespace: str = ""
    """The server's network."""
    live: list[tuple[str, str]] = field(default_factory=list)
    """(what the page says it is, the mobile node's place), while it went on."""
    reloaded: bool = False
    """By a viewer, when the node had moved."""
    after: dict[float, Any] = field(default_factory=dict)
    """The panels at moments, in the same page, once the run had ended."""


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    place = tmp_path_factory.mktemp("watched")
    (place / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    out = place / "results"
    process = subprocess.Popen(
        command("run", place / "scenario.yaml", "--out", out, "--live"),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", cwd=ROOT,
    )  # fmt: skip
    assert process.stdout is not None
    result = Watched(Run(0, "", place, {}))
    result.address = process.stdout.readline().removeprefix("live page: ").strip()
    result.namespace = _network_of_the_server(process.pid)
    with browser_page(result.address, allowed="ERR_CONNECTION_REFUSED") as page:
        stuck = _viewer_that_reads_nothing(result.address)
        state = page.locator("#state")
        state.get_by_text("live", exact=True).wait_for(timeout=300_000)
        _viewer_that_goes_away(result.address)
        while "ended" not in (words := state.inner_text()):
            result.live += [(words, row[1]) for row in rows(page, "mobile")]
            if not result.reloaded and "mar2" in result.live[-1]:
                result.reloaded = bool(page.reload())
                state.get_by_text("live", exact=True).wait_for()
            page.wait_for_timeout(100)
        result.run = finish(process, out)
        stuck.close()
        for moment in MOMENTS:
            seek(page, moment)
            result.after[moment] = {panel: rows(page, panel) for panel in PANELS}
    return result


def _network_of_the_server(parent: int) -> str:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()
    for child in children:
        if b"emu.live.program" in Path(f"/proc/{child}/cmdline").read_bytes():
            return os.readlink(f"/proc/{child}/ns/net")
    raise AssertionError("there is no server")


def _viewer_that_reads_nothing(address: str) -> socket.socket:
    viewer = socket.create_connection((urlsplit(address).hostname, urlsplit(address).port), 10)
    viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    viewer.sendall(
        f"GET /runs/1/events HTTP/1.1\r\nHost: {urlsplit(address).netloc}\r\n\r\n".encode()
    )
    return viewer


def _viewer_that_goes_away(address: str) -> None:
    viewer = _viewer_that_reads_nothing(address)
    time.sleep(0.2)
    viewer.close()


def test_the_run_is_what_it_would_have_been(watched):
    assert watched.run.ended, watched.run.output
    assert [h["to"] for h in watched.run.run()["handovers"]] == ["mar2"]
    assert watched.run.flow("ping-mn1-src")["received"] > 200


def test_it_was_seen_live_that_the_node_moved(watched):
    places = [place for words, place in watched.live if words == "live" and "mar" in place]
    assert places[0] == "mar1"
    assert places[-1] == "mar2"
    assert watched.reloaded


def test_afterwards_the_page_has_what_the_record_has(watched):
    run = watched.run.run()
    (handover,) = run["handovers"]
    up = handover["at_s"] + handover["latency_ms"]["l2"] / 1000
    for moment, shown in watched.after.items():
        at = "mar1" if moment < handover["at_s"] else "mar2" if moment >= up else "no link"
        assert shown["mobile"][0][1] == at
        pairs = {
            " ⇄ ".join(sorted((life["router"], life["peer"])))
            for life in run["tunnels"]
            if life["created_s"] <= moment < (life["removed_s"] or 1e9)
        }
        assert {row[0] for row in shown["tunnels"] if len(row) > 1} == pairs
        anchors = {row[0]: row[2] for row in shown["flows"]}
        assert anchors == {"C1→mn1": "ff3e::c1", "ping-mn1-src": "mar1"}
    lost = {row[0]: int(row[5]) for row in watched.after[MOMENTS[-1]]["flows"]}
    assert lost == {flow["flow"]: flow["lost"] for flow in run["flows"]}


def test_the_tree_follows_the_node(watched):
    ((_, _, before, _),) = watched.after[MOMENTS[0]]["trees"]
    ((_, _, after, listeners),) = watched.after[MOMENTS[-1]]["trees"]
    assert before.split("\n")[-1] == "mar1 → mn1"
    assert {"mar1 ⇒ mar2", "mar2 → mn1"} <= set(after.split("\n"))
    assert listeners == "mn1"


def test_signalling_is_that_of_the_logs(watched):
    sent = [e["message"] for e in watched.run.events("sent")]
    counts = {row[0]: int(row[1]) for row in watched.after[MOMENTS[-1]]["counts"]}
    for message in set(sent):
        assert counts[message] == sent.count(message)


def test_a_replay_shows_the_same(watched):
    with replaying(watched.run.directory) as address, browser_page(address) as page:
        wait_for_end(page)
        for moment in MOMENTS:
            seek(page, moment)
            assert {p: rows(page, p) for p in PANELS} == {
                p: watched.after[moment][p] for p in PANELS
            }


def test_the_server_was_outside_of_the_sandbox_and_is_gone(watched):
    assert watched.namespace == os.readlink("/proc/self/ns/net")
    place = urlsplit(watched.address)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((place.hostname, place.port), 5)

"""What the page shows at given moments is what the record says, in a browser without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page

from emu.measure import record
from emu.traffic import arrivals
from tests.live_page import browser_page, drawn, replaying, rows, seek, wait_for_end
from tests.synthetic_record import CMD, GROUP, INTERVAL, MAR, MS, SECOND, SOURCE, T0, write_record

MOMENTS = (0.5, 4.02, 4.2, 6.0, 8.03, 8.3, 11.0)
"""Before, during and after each handover."""
BIN = 250 * MS
NONE = "\N{EN DASH}"


def _more_events(directory: Path) -> None:
    """What the made-up record has no need of: the first attachment, a tree, a message's ends."""

    def forwards(at: int, node: str, incoming: str, *outgoing: str) -> dict[str, Any]:
        entry = {"source": str(SOURCE), "group": str(GROUP), "incoming": incoming}
        return {"t": at, "node": node, "kind": "forwarding", **entry, "outgoing": outgoing}

    message = {"message": "PBU", "mn": "mn1@home", "sequence": 9}
    asked, heard = T0 + SECOND, T0 + SECOND + 7 * MS
    events = [
        {"t": T0 - 300 * MS, "node": "radio", "kind": "l2_up", "mn": "mn1", "mar": "mar1"},
        {"t": T0, "node": "mn1", "kind": "joined", "flow": "C1→mn1", "group": str(GROUP)},
        forwards(T0, "mr1", "mr1-src", "mr1-mr2"),
        forwards(T0, "mr2", "mr2-mr1", "mr2-mar1"),
        forwards(T0, "mar1", "mar1-core", "mar1-radio"),
        forwards(T0 + 4 * SECOND + 90 * MS, "mar1", "mar1-core", "tun-mar2"),
        forwards(T0 + 4 * SECOND + 90 * MS, "mar2", "tun-mar1", "mar2-radio"),
        {"t": asked, "node": "mar1", "kind": "sent", **message, "destination": str(CMD)},
        {"t": heard, "node": "cmd", "kind": "received", **message, "source": str(MAR[1])},
    ]  # fmt: skip
    meta = json.loads((directory / "runs/1/meta.json").read_text(encoding="utf-8"))
    meta["flows"][0]["group"] = str(GROUP)
    (directory / "runs/1/meta.json").write_text(json.dumps(meta), encoding="utf-8")
    with (directory / "runs/1/events.jsonl").open("a", encoding="utf-8") as log:
        log.writelines(json.dumps(event) + "\n" for event in events)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, dict[str, Any], Path]]:
    directory = write_record(tmp_path_factory.mktemp("live"), runs=2)
    _more_events(directory)
    result = record.build(directory)
    with replaying(directory) as address, browser_page(address) as page:
        wait_for_end(page)
        yield page, result["runs"][0], directory / "runs/1"


def test_mobile_nodes_are_where_the_handovers_took_them(shown):
    page, run, _ = shown
    for moment in MOMENTS:
        at = "mar1"
        for handover in run["handovers"]:
            if moment >= handover["at_s"]:
                up = handover["at_s"] + handover["latency_ms"]["l2"] / 1000
                at = handover["to"] if moment >= up else "no link"
        seek(page, moment)
        assert [row[:2] for row in rows(page, "mobile")] == [["mn1", at]]
        drawn_at = page.locator("#topology [data-node=mn1]").get_attribute("data-at")
        assert drawn_at == at.replace("no link", "")


def test_tunnels_are_open_while_the_record_says_so_and_held_by_whom_it_says(shown):
    page, run, _ = shown
    numbers = set()
    for moment in MOMENTS:
        expected: dict[str, set[str]] = {}
        for life in run["tunnels"]:
            if life["created_s"] <= moment < (life["removed_s"] or np.inf):
                pair = " ⇄ ".join(sorted((life["router"], life["peer"])))
                expected.setdefault(pair, set()).update(life["held_by"])
        seek(page, moment)
        shown_now = {row[0] for row in rows(page, "tunnels") if len(row) > 1}
        assert shown_now == set(expected)
        words = sorted(" + ".join(sorted(held, reverse=True)) for held in expected.values())
        assert sorted(drawn(page, ".labels text")) == words
        numbers.add(len(expected))
    assert numbers == {0, 1, 2}


def test_flows_are_anchored_where_their_address_is_from(shown):
    page, run, _ = shown
    seek(page, 9.0)
    anchors = {row[0]: row[2] for row in rows(page, "flows")}
    (ping,) = (flow for flow in run["flows"] if flow["kind"] == "ping")
    assert ping["local_address"].startswith("2001:db8:1:")
    assert anchors == {"C1→mn1": str(GROUP), "ping-mn1-server1": "mar1", "download": NONE}
    (note,) = drawn(page, "[data-node=mar1] .note")
    assert note.startswith("⚓ ping-mn1-s")


def test_throughput_is_what_arrived_then_and_losses_add_up_to_the_records(shown):
    page, run, directory = shown
    came = arrivals.read(directory / "arrivals/C1.mn1@mn1.bin")[:, 2]
    for moment in MOMENTS:
        start = T0 + int(moment * SECOND) // BIN * BIN
        count = int(((came >= start) & (came < start + BIN)).sum())
        seek(page, moment)
        now = {row[0]: row[3] for row in rows(page, "flows")}
        assert now["C1→mn1"] == f"{count * 1316 * 8 / (BIN / SECOND) / 1e6:.2f} Mbit/s"
    seek(page, 12.5)
    lost = {row[0]: row[5] for row in rows(page, "flows")}
    expected = {flow["flow"]: flow["lost"] for flow in run["flows"]}
    assert lost == {flow: NONE if n is None else str(n) for flow, n in expected.items()}
    assert int(lost["C1→mn1"]) >= 2 * 95 * MS // INTERVAL


def test_the_tree_changes_with_the_forwarding_of_the_routers(shown):
    page, *_ = shown
    seek(page, 3.0)
    ((_, _, ways, listeners),) = rows(page, "trees")
    before = ["src → mr1", "mr1 → mr2", "mr2 → mar1", "mar1 → mn1"]
    assert (ways.split("\n"), listeners) == (before, "mn1")
    seek(page, 4.08)  # mn1 has a new link, and its channel goes to the old one
    ((_, _, ways, listeners),) = rows(page, "trees")
    assert (ways.split("\n"), listeners) == (before[:3], "mn1 (not reached)")
    seek(page, 5.0)
    ((_, _, ways, listeners),) = rows(page, "trees")
    assert (ways.split("\n"), listeners) == ([*before[:3], "mar1 ⇒ mar2", "mar2 → mn1"], "mn1")


def test_a_message_is_seen_as_it_passes_and_how_long_it_took(shown):
    page, *_ = shown
    seek(page, 0.9)
    assert drawn(page, ".messages text") == []
    seek(page, 1.2)
    assert drawn(page, ".messages text") == ["PBU"]
    assert rows(page, "messages")[0] == ["1.000", "PBU", "mar1 → cmd", "mn1", "7.0 ms"]
    seek(page, 3.0)
    assert drawn(page, ".messages text") == []


def test_going_back_shows_what_going_there_showed(shown):
    page, *_ = shown
    panels = ("mobile", "flows", "tunnels", "trees", "messages", "counts", "told")

    def everything(moment: float) -> list[list[list[str]]]:
        seek(page, moment)
        return [rows(page, panel) for panel in panels]

    forward = [everything(moment) for moment in MOMENTS]
    assert [everything(moment) for moment in reversed(MOMENTS)] == forward[::-1]
    assert len({json.dumps(one) for one in forward}) == len(MOMENTS)


def test_keys_move_in_time(shown):
    page, *_ = shown
    seek(page, 5.0)
    page.locator("h1").click()

    for key, moment in ((",", "4.00 s"), (".", "8.00 s"), ("ArrowLeft", "7.00 s")):
        page.keyboard.press(key)
        page.locator("#clock").get_by_text(moment, exact=True).wait_for()
    page.keyboard.press(" ")
    page.locator("#clock", has_text="7.00 s").wait_for(state="detached")
    assert page.locator("#play").inner_text() == "Pause"
    page.keyboard.press(" ")
    page.locator("#play", has_text="Play").wait_for()
    assert float(page.locator("#clock").inner_text().split()[0]) > 7


def test_another_run_can_be_chosen(shown):
    page, *_ = shown
    page.locator("#run").select_option("2")
    wait_for_end(page, 2)
    seek(page, 4.05)  # everything takes 1 ms more in it
    assert rows(page, "mobile")[0][1] == "no link"
    page.locator("#run").select_option("1")
    wait_for_end(page)
    seek(page, 4.05)
    assert rows(page, "mobile")[0][1] == "mar2"


CONTRAST = (Path(__file__).parents[1] / "contrast.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_all_words_have_contrast_and_nothing_is_wider_than_the_screen(shown, scheme, width):
    page, *_ = shown
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 844})
    seek(page, 4.09)
    found = page.evaluate(CONTRAST)
    assert len(found) > 40
    assert [one for one in found if one[0] < 4.5] == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_every_control_is_reached_by_keyboard_and_has_a_name(shown):
    page, *_ = shown
    page.locator("h1").click()
    reached = []
    for _ in range(6):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("() => document.activeElement.id"))
    assert reached[:4] == ["run", "play", "speed", "time"]
    nameless = page.evaluate("""() =>
      [...document.querySelectorAll("button, select, input, [role=region], svg[role=img]")]
      .filter(one => !one.closest("label") && !one.textContent && !one.getAttribute("aria-label"))
      .map(one => one.outerHTML)""")
    assert nameless == []


def test_who_wants_less_motion_gets_none(shown):
    page, *_ = shown
    node = page.locator("#topology [data-node=mn1]")
    moving = "node => getComputedStyle(node).transitionDuration"
    assert node.evaluate(moving) == "0.35s"
    page.emulate_media(reduced_motion="reduce")
    assert node.evaluate(moving) == "0s"
    seek(page, 1.1)
    places = [page.locator(".messages path").last.get_attribute("transform")]
    seek(page, 1.3)
    places.append(page.locator(".messages path").last.get_attribute("transform"))
    assert places[0] == places[1]
    page.emulate_media(reduced_motion="no-preference")

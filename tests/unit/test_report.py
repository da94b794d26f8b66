from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

import emu.report
from emu.measure import record
from emu.traffic import arrivals
from tests.synthetic_record import SECOND, T0, write_record

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Checker(HTMLParser):
    """Collects what a page refers to and checks that its elements nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data", "action"):
                self.references.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_record(tmp_path_factory.mktemp("report"), runs=2)
    record.build(directory)
    return emu.report.build(directory)


def test_the_page_is_sound_and_needs_no_network(built: Path) -> None:
    page = built.read_text(encoding="utf-8")
    checker = checked(page)
    assert all(reference.startswith("#") for reference in checker.references)
    assert not re.search(r"url\((?!#)|@import", page)
    assert "script" not in checker.tags
    assert 'name="viewport"' in page
    for prologue in ("<?xml", "<!DOCTYPE", "<metadata"):
        assert prologue not in page


def test_every_figure_is_a_file_and_in_the_page(built: Path) -> None:
    figures = {path.stem for path in (built.parent / "figures").glob("*.svg")}
    expected = {"topology", "latency", "comparison"}
    for run in (1, 2):
        for handover in (1, 2):
            for what in ("latency", "sequence", "C1.mn1", "ping-mn1-server1", "download"):
                expected.add(f"run{run}-handover{handover}-{what}")
    assert figures == expected
    assert built.read_text(encoding="utf-8").count("<svg") == len(expected)


def test_every_figure_is_sound_and_stands_alone(built: Path) -> None:
    for path in (built.parent / "figures").glob("*.svg"):
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert "var(--" not in path.read_text(encoding="utf-8")


def test_the_sequence_chart_shows_the_messages(built: Path) -> None:
    chart = (built.parent / "figures" / "run1-handover1-sequence.svg").read_text(encoding="utf-8")
    words = re.findall(r"<text[^>]*>([^<]*)</text>", chart)
    assert "PBU #10 · 10.0 ms" in words
    assert "PBA #60 · 10.0 ms" in words
    assert "MLD report in tunnel +ff3e::c1 · 5.0 ms" in words
    assert "RA lifetime 0 · 2.0 ms" in words
    assert "52.00 ms" in words
    steps = ["L2 down", "L2 up", "attached", "binding complete", "address usable", "C1→mn1 again"]
    assert [word for word in words if word in steps] == steps
    assert {"mn1", "mar1", "mar2", "cmd"} <= set(words)


def test_the_numbers_are_on_the_page(built: Path) -> None:
    words = " ".join(checked(built.read_text(encoding="utf-8")).words)
    for expected in ("90.5 ± 6.4", "100.36", "20.50", "The machine kept up", "mar3", "ff3e::c1"):
        assert expected in words


def test_a_card_says_how_far_apart_its_values_are(built: Path) -> None:
    """A mean of unlike handovers is no number by itself."""
    summary = json.loads((built.parent / "record.json").read_text(encoding="utf-8"))["summary"][
        "latency_ms.total"
    ]
    least, most = summary["min"], summary["max"]
    assert least < most
    page = built.read_text(encoding="utf-8")
    assert f"{least:.1f} to {most:.1f}</div></div>" in page


def test_one_run_has_no_interval_and_says_what_makes_one(tmp_path: Path) -> None:
    record.build(write_record(tmp_path, runs=1))
    words = " ".join(checked(emu.report.build(tmp_path).read_text(encoding="utf-8")).words)
    assert "one run has no confidence interval" in words
    assert "\N{PLUS-MINUS SIGN}" not in words


def test_a_record_of_an_earlier_version_has_the_interval_that_holds(tmp_path: Path) -> None:
    record.build(write_record(tmp_path, runs=2))
    path = tmp_path / "record.json"
    earlier = json.loads(path.read_text(encoding="utf-8"))
    earlier["summary"] = {"latency_ms.total": {"n": 4, "mean": 90.5, "ci95": 0.92}}
    path.write_text(json.dumps(earlier), encoding="utf-8")
    words = " ".join(checked(emu.report.build(tmp_path).read_text(encoding="utf-8")).words)
    assert "90.5 ± 6.4" in words


def test_the_predictions_are_beside_what_was_measured(built: Path) -> None:
    page = built.read_text(encoding="utf-8")
    (table,) = re.findall(r"<summary>All numbers</summary>(.*?)</details>", page, re.DOTALL)
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in table.split("<tr>")]
    first, *others = (row for row in rows if row)
    # A round trip to the CMD, 10 ms away, took half a millisecond more.
    assert first == ["binding", "1", "mn1", "mar1", "mar2", "4.000",
                     "20.00", "20.00", "20.00", "20.50", "0.50"]  # fmt: skip
    whats = [row[0] for row in [first, *others]]
    assert whats == [
        what for what in ("binding", "disruption of C1→mn1", "leave of C1→mn1") for _ in range(4)
    ]
    assert {row[9] for row in others if row[0].startswith("leave")} == {"\N{EN DASH}"}
    drawing = (built.parent / "figures" / "comparison.svg").read_text(encoding="utf-8")
    assert drawing.count("<circle") == 1 + 8


def test_what_could_not_keep_up_is_no_result(tmp_path: Path) -> None:
    record.build(write_record(tmp_path, runs=1, ok=False))
    page = emu.report.build(tmp_path).read_text(encoding="utf-8")
    assert "Not a result" in page
    assert "timers were late by 31.0 ms" in page
    assert "The machine kept up" not in page


def test_names_cannot_become_markup(tmp_path: Path) -> None:
    record.build(write_record(tmp_path, runs=1, name="<script>alert(1)</script>"))
    page = emu.report.build(tmp_path).read_text(encoding="utf-8")
    checker = checked(page)
    assert "script" not in checker.tags
    assert "<script" not in page
    assert "<script>alert(1)</script>" in checker.words


def test_a_record_without_handovers_or_captures(tmp_path: Path) -> None:
    write_record(tmp_path, runs=1)
    run = tmp_path / "runs" / "1"
    for capture in (run / "captures").iterdir():
        capture.unlink()
    (run / "events.jsonl").write_text("", encoding="utf-8")
    record.build(tmp_path)
    page = emu.report.build(tmp_path).read_text(encoding="utf-8")
    checked(page)
    assert "No control messages were captured" in page
    assert "Each handover" not in page


def test_a_handover_that_did_not_finish(tmp_path: Path) -> None:
    write_record(tmp_path, runs=1)
    log = tmp_path / "runs" / "1" / "events.jsonl"
    lines = [
        line
        for line in log.read_text(encoding="utf-8").splitlines()
        if "binding_complete" not in line
    ]
    log.write_text("\n".join(lines), encoding="utf-8")
    record.build(tmp_path)
    page = emu.report.build(tmp_path).read_text(encoding="utf-8")
    assert "Handovers that did not finish: 2 of 2." in page
    assert "not finished" in (tmp_path / "figures" / "latency.svg").read_text(encoding="utf-8")


def test_what_is_left_over_is_on_the_page(tmp_path: Path) -> None:
    write_record(tmp_path, runs=1)
    path = tmp_path / "runs" / "1" / "meta.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    changes = {"left_over": ["rules: 9: from 2001:db8:1:1::/64"], "missing": []}
    meta["leftovers"] = {"waited_s": 11.0, "kernel": {"mar1": changes}}
    path.write_text(json.dumps(meta), encoding="utf-8")
    record.build(tmp_path)
    page = emu.report.build(tmp_path).read_text(encoding="utf-8")
    assert "mar1: left over rules: 9: from 2001:db8:1:1::/64" in page


def test_a_large_network_says_what_it_leaves_out(tmp_path: Path) -> None:
    write_record(tmp_path, runs=1)
    path = tmp_path / "runs" / "1" / "meta.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    meta["nodes"] |= {f"mar{number}": {"role": "mar"} for number in range(4, 41)}
    path.write_text(json.dumps(meta), encoding="utf-8")
    record.build(tmp_path)
    emu.report.build(tmp_path)
    drawing = (tmp_path / "figures" / "topology.svg").read_text(encoding="utf-8")
    assert ">mar30<" in drawing
    assert ">mar31<" not in drawing
    assert "10 more nodes are not drawn" in drawing


def test_an_anchor_is_drawn_in_the_place_of_the_cmd(tmp_path: Path) -> None:
    write_record(tmp_path, runs=1)
    path = tmp_path / "runs" / "1" / "meta.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"cmd"', '"lma"'), encoding="utf-8")
    record.build(tmp_path)
    emu.report.build(tmp_path)
    drawing = (tmp_path / "figures" / "topology.svg").read_text(encoding="utf-8")
    assert ">lma<" in drawing
    assert ">to LMA" in drawing
    assert "cmd" not in drawing


def test_a_flow_that_never_came_back(tmp_path: Path) -> None:
    write_record(tmp_path, runs=1)
    path = tmp_path / "runs" / "1" / "arrivals" / "C1.mn1@mn1.bin"
    rows = arrivals.read(path)
    path.write_bytes(rows[rows[:, 2] < T0 + 8 * SECOND].tobytes())
    record.build(tmp_path)
    page = emu.report.build(tmp_path).read_text(encoding="utf-8")
    assert "Flows that did not come back after a handover: 1." in page
    assert "at least " in (tmp_path / "figures" / "run1-handover2-C1.mn1.svg").read_text(
        encoding="utf-8"
    )


def with_phones(directory: Path, phones: int) -> Path:
    """A record of a network with so many mobile nodes; only mn1 has moved."""
    write_record(directory, runs=1)
    path = directory / "runs" / "1" / "meta.json"
    meta = json.loads(path.read_text(encoding="utf-8"))
    for number in range(2, phones + 1):
        meta["nodes"][f"phone{number}"] = {"role": "mn"}
        meta["scenario"]["nodes"][f"phone{number}"] = {
            "role": "mn",
            "attach": f"mar{number % 3 + 1}",
        }
    path.write_text(json.dumps(meta), encoding="utf-8")
    return directory


def test_every_phone_is_drawn_and_no_two_boxes_overlap(tmp_path: Path) -> None:
    record.build(with_phones(tmp_path, 20))
    emu.report.build(tmp_path)
    root = ElementTree.parse(tmp_path / "figures" / "topology.svg").getroot()
    named = "{http://www.w3.org/2000/svg}"
    words = {text.text for text in root.iter(f"{named}text")}
    assert {f"phone{number}" for number in range(2, 21)} <= words
    boxes = [
        tuple(float(box.get(key, 0)) for key in ("x", "y", "width", "height"))
        for box in root.iter(f"{named}rect")
    ]
    names = [box for box in boxes if box[3] == 28]
    assert len(names) > 20 + 3
    for at, (x, y, width, height) in enumerate(names):
        assert x >= 0
        assert x + width <= float(root.get("width", 0))
        for other_x, other_y, other_width, _ in names[:at]:
            apart = x >= other_x + other_width or other_x >= x + width
            assert apart or abs(y - other_y) >= height


def test_what_routers_say_of_other_mobile_nodes_is_not_in_the_chart(tmp_path: Path) -> None:
    """The same captures, but the moving node's messages carry another one's identifier."""
    with_phones(tmp_path, 3)
    for path in sorted((tmp_path / "runs" / "1" / "captures").glob("*cmd*.pcapng")):
        path.write_bytes(path.read_bytes().replace(b"\x08\x04\x01mn1", b"\x08\x04\x01mn2"))
    meta = tmp_path / "runs" / "1" / "meta.json"
    meta.write_text(meta.read_text(encoding="utf-8").replace('"phone2"', '"mn2"'), encoding="utf-8")
    record.build(tmp_path)
    emu.report.build(tmp_path)
    chart = (tmp_path / "figures" / "run1-handover1-sequence.svg").read_text(encoding="utf-8")
    assert "PBU" not in chart
    assert "MLD report" in chart


def test_measured_against_predicted_has_numbers_and_an_axis(built: Path) -> None:
    drawing = (built.parent / "figures" / "comparison.svg").read_text(encoding="utf-8")
    assert ">20.0 → 20.5<" in drawing
    for tick in ("0", "5", "10", "15", "20"):
        assert f">{tick}<" in drawing


def test_every_figure_says_what_it_is(built: Path) -> None:
    for path in (built.parent / "figures").glob("*.svg"):
        title = ElementTree.parse(path).getroot().find("{http://www.w3.org/2000/svg}title")
        assert title is not None, path
        assert title.text
    assert (
        built.read_text(encoding="utf-8").count("<svg")
        == built.read_text(encoding="utf-8").count("<title>") - 1
    )


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(scheme: int) -> None:
    """At least 4.5 to 1, as WCAG 2.1 asks."""
    sheet = Path(emu.report.__file__).with_name("templates") / "report.css"
    colours = dict(
        re.findall(
            r"--(\w+): (#\w{6})", sheet.read_text(encoding="utf-8").split(":root")[scheme + 1]
        )
    )
    inks = ("ink", "soft", "l2", "authentication", "detection", "binding", "address", "good", "bad")
    used = [(words, behind) for behind in ("page", "panel") for words in inks]
    for words, behind in [*used, ("bad", "gap"), ("soft", "gap")]:
        low, high = sorted(luminance(colours[name]) for name in (words, behind))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (words, behind)

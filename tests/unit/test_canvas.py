"""Figures: looks that can be told apart, legends that hide nothing, and the files."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from emu.sweep.canvas import COLOURS, MARKERS, drawing, look

DATA = pd.DataFrame({"scheme": ["a", "b"], "ms": [1.0, 2.0]})


def test_as_many_schemes_as_there_are_have_colours_and_markers_of_their_own():
    looks = [look(number) for number in range(14)]
    assert len({one["color"] for one in looks}) == len({one["marker"] for one in looks}) == 14


def test_no_two_looks_are_alike():
    looks = [tuple(look(number).values()) for number in range(len(COLOURS) * 4)]
    assert len(set(looks)) == len(looks)
    assert len(set(MARKERS)) == len(MARKERS)


def test_no_two_colours_are_close():
    for one, other in combinations(COLOURS, 2):
        distance = np.linalg.norm(np.subtract(to_rgb(one), to_rgb(other)))
        assert distance > 0.25, (one, other)


@pytest.fixture
def drawn(tmp_path):
    """A figure of 14 curves with long names, and its axes."""
    path = tmp_path / "figure.svg"
    with drawing(path, DATA) as axes:
        for number in range(14):
            axes.plot([0, 1], [number, 20], label=f"a scheme of number {number}", **look(number))
    return path, axes


def test_a_figure_has_files_for_pages_papers_and_slides_and_its_data(drawn):
    path, _ = drawn
    beginnings = {
        ".svg": b"<?xml",
        ".pdf": b"%PDF",
        ".png": b"\x89PNG",
        ".csv": b"scheme,ms\na,1\n",
    }
    for suffix, start in beginnings.items():
        assert path.with_suffix(suffix).read_bytes().startswith(start)


def test_the_same_data_make_the_same_files(drawn, tmp_path):
    path, _ = drawn
    before = {name: path.with_suffix(name).read_bytes() for name in (".svg", ".pdf", ".png")}
    with drawing(path, DATA) as axes:
        for number in range(14):
            axes.plot([0, 1], [number, 20], label=f"a scheme of number {number}", **look(number))
    assert before == {name: path.with_suffix(name).read_bytes() for name in before}


def test_the_legend_lies_over_no_data_and_within_the_figure(drawn):
    _, axes = drawn
    figure = axes.get_figure()
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box, frame = legend.get_window_extent(), axes.get_window_extent()
    assert box.y0 >= frame.y1
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1

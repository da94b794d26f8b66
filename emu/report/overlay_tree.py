"""A drawing of the tree of an overlay: a row for each level, members below their parents."""

from __future__ import annotations

from typing import Any

from emu.report.drawing import Drawing
from emu.report.style import PALETTE

_WIDTH, _MARGIN, _ROW = 980.0, 30.0, 74.0
_BOX_HEIGHT = 24.0
_LETTER = 6.6
_SMALLEST = 26.0
Tree = dict[str, dict[str, Any]]


def draw(members: list[dict[str, Any]]) -> str:
    """The tree of the members in a record.

    Who takes no more children is drawn full, who has no parent apart.
    """
    tree = {member["name"]: member for member in members}
    children = _children(tree)
    roots = [name for name in tree if tree[name]["parent"] not in tree]
    slots: dict[str, float] = {}
    for root in roots:
        _place(root, children, slots)
    pitch = max(_SMALLEST, max(len(name) for name in tree) * _LETTER + 14)
    leaves = max(slots.values(), default=0.0) + 1
    width = max(_WIDTH, 2 * _MARGIN + leaves * pitch)
    step = (width - 2 * _MARGIN) / leaves
    drawing = Drawing(width, "Tree")
    where = {
        name: (_MARGIN + (slot + 0.5) * step, _MARGIN + tree[name]["level"] * _ROW)
        for name, slot in slots.items()
    }
    for name, place in tree.items():
        if place["parent"] in where:
            drawing.line(*where[place["parent"]], *where[name], PALETTE["soft"], width=1.2)
    for name, (x, y) in where.items():
        _node(drawing, name, x, y, pitch - 6, is_full=not tree[name].get("joinable", True))
    return drawing.svg(10)


def _children(tree: Tree) -> dict[str, list[str]]:
    children: dict[str, list[str]] = {name: [] for name in tree}
    for name, place in tree.items():
        if place["parent"] in children:
            children[place["parent"]].append(name)
    return children


def _place(name: str, children: dict[str, list[str]], slots: dict[str, float]) -> None:
    """Give a client and those below it their columns: it is in the middle of its children."""
    if not children[name]:
        taken = [slot for other, slot in slots.items() if not children[other]]
        slots[name] = max(taken, default=-1.0) + 1
        return
    for child in children[name]:
        _place(child, children, slots)
    own = [slots[child] for child in children[name]]
    slots[name] = (own[0] + own[-1]) / 2


def _node(drawing: Drawing, name: str, x: float, y: float, width: float, *, is_full: bool) -> None:
    colour = PALETTE["binding"]
    drawing.box(
        x - width / 2, y - _BOX_HEIGHT / 2, width, _BOX_HEIGHT,
        fill=colour if is_full else PALETTE["panel"], stroke=colour, radius=5,
    )  # fmt: skip
    ink = PALETTE["page"] if is_full else PALETTE["ink"]
    drawing.text(x, y + 4.5, name, size=12, colour=ink, anchor="middle", bold=True)

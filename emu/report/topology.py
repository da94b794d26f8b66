"""A drawing of the network: nodes in rows by role, links coloured by kind, handovers as arcs."""

from __future__ import annotations

from typing import Any

from emu.report.drawing import Drawing
from emu.report.style import PALETTE, number

Place = tuple[float, float]

_LEAST_WIDTH, _MARGIN, _SPACE = 720.0, 30.0, 10.0
_BOX_HEIGHT = 28.0
_ROWS = {"ends": 30.0, "root": 96.0, "core": 162.0, "bus": 238.0, "mar": 304.0, "mn": 392.0}
_NEXT_ROW = 36.0
"""From a row of mobile nodes to the next one."""
_MOST_IN_A_ROW, _MOST_BELOW = 30, 24
"""So many routers or servers are drawn side by side, and so many mobile nodes below a router."""
_DROP = 14.0
"""How far beside its middle a router's link goes up to the exchange."""
RADIO = "radio"
"""The role of what nobody wants to see."""
_MEMBERS = ("i3-client", "member")
_DRAWN = ("source", "server", "i3-server", *_MEMBERS, "mr", "ix", "mar", "mn")
"""The roles besides those of the centre, whose names the mobility scheme has chosen."""
_COLOURS = {"core": "address", "cmd": "binding", "backhaul": "soft", "access": "bad"}
_NODE_COLOURS = {
    "mr": "address",
    "ix": "soft",
    "mar": "ink",
    "mn": "bad",
    "i3-client": "bad",
    "member": "bad",
    "i3-server": "good",
    "source": "good",
    "server": "good",
}
_NAMES = {"core": "core", "backhaul": "between MARs", "access": "access"}


def draw(meta: dict[str, Any], handovers: list[dict[str, Any]]) -> str:
    """The topology of a run from its ``meta.json`` and the handovers of its record."""
    rows, below = _rows(meta), _below(meta)
    width = _width(rows, below)
    drawing = Drawing(width, "Topology")
    places = _places(rows, below, width)
    roles = {name: meta["nodes"][name]["role"] for name in places}
    for link in meta.get("links", ()):
        if link["a"] in places and link["b"] in places:
            _link(drawing, places, roles, link["a"], link["b"])
    for name, mar in _attachments(meta).items():
        if name in places:
            drawing.line(*places[mar], *places[name], PALETTE["bad"], width=1.4, dash="4 4")
    for old, new in dict.fromkeys((h["from"], h["to"]) for h in handovers):
        if old in places and new in places:
            _arc(drawing, places[old], places[new])
    for name, place in places.items():
        _node(drawing, name, place, roles[name])
    centre, *_ = [*_centres(meta), "cmd"]
    bottom = max(y for _, y in places.values()) + 48
    if rows["root"]:
        _legend(drawing, meta["scenario"]["topology"], centre, bottom)
    drawn = [node for node in meta["nodes"].values() if node["role"] != RADIO]
    hidden = len(drawn) - len(places)
    if hidden:
        words = f"{hidden} more nodes are not drawn"
        drawing.text(_MARGIN, bottom + 26, words, size=12, colour=PALETTE["soft"])
    return drawing.svg(10)


def _attachments(meta: dict[str, Any]) -> dict[str, str]:
    """{mobile node: the MAR it starts at}."""
    nodes = meta["scenario"].get("nodes", {})
    return {name: node["attach"] for name, node in nodes.items() if node.get("attach")}


def _centres(meta: dict[str, Any]) -> list[str]:
    """The roles of the nodes in the centre and beside it, that in the centre first."""
    roles = [node["role"] for node in meta["nodes"].values()]
    return list(dict.fromkeys(role for role in roles if role not in (*_DRAWN, RADIO)))


def _rows(meta: dict[str, Any]) -> dict[str, list[str]]:
    """The routers and servers in each row, from left to right."""
    root, *core = _named(meta, "mr") or [""]
    clients = [name for role in _MEMBERS for name in _named(meta, role)]
    ends = [name for role in ("source", "server", "i3-server") for name in _named(meta, role)]
    mars = _named(meta, "mar")
    rows = {
        "ends": ends + (clients if mars else []),
        "root": [root] if root else [],
        "core": core + [name for role in _centres(meta) for name in _named(meta, role)],
        "bus": _named(meta, "ix"),
        "mar": mars or clients,
    }
    return {row: names[:_MOST_IN_A_ROW] for row, names in rows.items()}


def _below(meta: dict[str, Any]) -> dict[str, list[str]]:
    """The mobile nodes that start at each access router that is drawn."""
    below: dict[str, list[str]] = {mar: [] for mar in _named(meta, "mar")[:_MOST_IN_A_ROW]}
    for name, mar in _attachments(meta).items():
        if mar in below and len(below[mar]) < _MOST_BELOW:
            below[mar].append(name)
    return below


def _width(rows: dict[str, list[str]], below: dict[str, list[str]]) -> float:
    """So much that no two names of a row overlap."""
    mars = [*rows["mar"], *(name for names in below.values() for name in names)]
    needed = [
        len(rows[row]) * (max(map(_box, names)) + _SPACE)
        for row, names in (("ends", rows["ends"]), ("core", rows["core"]), ("mar", mars))
        if names
    ]
    return max(_LEAST_WIDTH, max(needed, default=0.0) + 2 * _MARGIN)


def _places(
    rows: dict[str, list[str]], below: dict[str, list[str]], width: float
) -> dict[str, Place]:
    """Where each node stands; mobile nodes are under their access router, in rows if many."""
    room = width - 2 * _MARGIN
    places = {
        name: (_MARGIN + room * (at + 0.5) / len(names), _ROWS[row])
        for row, names in rows.items()
        if row != "bus"
        for at, name in enumerate(names)
    }
    places |= dict.fromkeys(rows["bus"], (_MARGIN + 23, _ROWS["bus"]))
    for mar, names in below.items():
        column = room / len(below)
        pitch = max(map(_box, names), default=1.0) + _SPACE
        across = max(1, int(column // pitch))
        for at, name in enumerate(names):
            row, position = divmod(at, across)
            in_row = min(across, len(names) - row * across)
            x = places[mar][0] + (position - (in_row - 1) / 2) * pitch
            places[name] = (x, _ROWS["mn"] + row * _NEXT_ROW)
    return places


def _box(name: str) -> float:
    """How wide a node's box is."""
    return max(46.0, 16 + 7.6 * len(name))


def _named(meta: dict[str, Any], role: str) -> list[str]:
    names = [name for name, node in meta["nodes"].items() if node["role"] == role]
    return sorted(names, key=lambda name: (len(name), name))


def _node(drawing: Drawing, name: str, place: Place, role: str) -> None:
    x, y = place
    colour = PALETTE[_NODE_COLOURS.get(role, "binding")]
    width = _box(name)
    if role == "ix":
        drawing.line(x, y, drawing.width - _MARGIN, y, colour, width=2.4)
    drawing.box(
        x - width / 2, y - _BOX_HEIGHT / 2, width, _BOX_HEIGHT,
        fill=PALETTE["panel"], stroke=colour, radius=_BOX_HEIGHT / 2 if role == "mn" else 5,
    )  # fmt: skip
    drawing.text(x, y + 4.5, name, size=13, anchor="middle", bold=True)


def _link(drawing: Drawing, places: dict[str, Place], roles: dict[str, str], *ends: str) -> None:
    (x1, y1), (x2, y2) = (places[end] for end in ends)
    kinds = {roles[end] for end in ends}
    kind = "core"
    if "ix" in kinds or kinds == {"mar"}:
        kind = "backhaul"
    elif kinds - set(_DRAWN):
        kind = "cmd"
    if "ix" in kinds:  # the exchange is drawn as a bus: straight up to it
        x1 = x2 = (x2 if roles[ends[0]] == "ix" else x1) + _DROP
        drawing.box(x1 - 3.5, _ROWS["bus"] - 3.5, 7, 7, fill=PALETTE["soft"], radius=3.5)
    drawing.line(x1, y1, x2, y2, PALETTE[_COLOURS[kind]], width=1.3)


def _arc(drawing: Drawing, old: Place, new: Place) -> None:
    """A handover: an arrow below the access routers."""
    way = 1 if new[0] > old[0] else -1
    start, end, y = old[0] + way * 14, new[0] - way * 14, old[1] + _BOX_HEIGHT / 2 + 3
    drawing.path(
        f"M{start:.1f},{y:.1f} Q{(start + end) / 2:.1f},{y + 48:.1f} {end:.1f},{y + 6:.1f}",
        PALETTE["bad"],
    )
    drawing.polygon(
        [(end + way * 5, y), (end - way * 6, y + 4), (end + way, y + 12)], PALETTE["bad"]
    )


def _legend(drawing: Drawing, topology: dict[str, Any], centre: str, y: float) -> None:
    """What each colour of link is, with its delay and rate."""
    names = {**_NAMES, "cmd": f"to {centre.upper()}"}
    shown = [(kind, quality(topology.get(kind) or {})) for kind in _COLOURS]
    x = _MARGIN
    for kind, words in shown:
        label = f"{names[kind]} {words}".strip()
        dash = "4 4" if kind == "access" else ""
        drawing.line(x, y, x + 22, y, PALETTE[_COLOURS[kind]], width=2, dash=dash)
        drawing.text(x + 28, y + 4, label, size=12, colour=PALETTE["soft"])
        x += 58 + 6.7 * len(label)


def quality(link: dict[str, Any]) -> str:
    """A link's delay, rate and loss in words; empty when it has none."""
    words = []
    if link.get("delay"):
        words.append(f"{link['delay'] / 1e6:g} ms")
    if link.get("rate"):
        words.append(f"{number(link['rate'] / 1e6, 0)} Mbit/s")
    if link.get("loss"):
        words.append(f"{link['loss']:.1%} loss")
    return ", ".join(words)

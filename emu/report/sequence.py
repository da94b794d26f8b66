"""A handover as a message sequence chart, drawn from the captured packets.

Time runs downwards, one row a message or step, labelled with the time since link down; an arrow
goes from the node that sent a message to each that received it. Neighbour solicitations and
advertisements and reports of link-local groups are left out, and so is what other mobile nodes do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from emu.measure.disruption import SETTLING_NS
from emu.measure.handovers import Handover
from emu.measure.messages import Transfer
from emu.measure.packets import LINK_SCOPE_REPORT, Message
from emu.measure.run import Run
from emu.report.drawing import Drawing
from emu.report.style import PALETTE, message_colour

_LEFT, _COLUMN, _ROW = 92.0, 150.0, 27.0
_HEAD = 26.0
_MOST_ROWS = 48
_LEFT_OUT = ("NS", "NA", "Redirect", LINK_SCOPE_REPORT)
_MN_ID, _NAI = 8, 1
_HOSTS = ("source", "server", "i3-server", "i3-client", "member")
_ORDER = ("mn", "mar", "dar", "", "ix", "mr", *_HOSTS, "radio")
"""From left to right; those in the centre have roles that the mobility scheme has chosen."""


@dataclass(frozen=True)
class Step:
    """Something that happened to the handover at one node."""

    time_ns: int
    node: str
    words: str


def messages_of(run: Run, handover: Handover, transfers: list[Transfer]) -> list[Transfer]:
    """The control messages that belong to a handover's picture."""
    end = min(handover.until_ns, handover.done_ns + SETTLING_NS)
    others = {
        name
        for name, node in run.meta["nodes"].items()
        if node["role"] == "mn" and name != handover.mn
    }
    return [
        transfer
        for transfer in transfers
        if handover.down_ns <= transfer.sent_ns <= end
        and transfer.message.type not in _LEFT_OUT
        and transfer.sender not in others
        and (not transfer.receipts or {node for node, _ in transfer.receipts} - others)
        and not _is_about(transfer.message, others, run)
    ]


def _is_about(message: Message, nodes: set[str], run: Run) -> bool:
    """Whether routers speak of one of these nodes: by its identifier (RFC 4283), or its address."""
    if run.node_of(message.detail) in nodes:
        return True
    options = (bytes([_MN_ID, 1 + len(node), _NAI]) + node.encode() for node in nodes)
    return any(option in message.key for option in options)


def steps_of(handover: Handover) -> list[Step]:
    """The handover's own steps."""
    steps = [
        (handover.down_ns, handover.mn, "L2 down"),
        (handover.up_ns, handover.mn, "L2 up"),
        (handover.attached_ns, handover.target, "attached"),
        (handover.complete_ns, handover.target, "binding complete"),
        (handover.usable_ns, handover.mn, "address usable"),
    ]
    return [Step(time, node, words) for time, node, words in steps if time is not None]


def draw(
    run: Run, handover: Handover, transfers: list[Transfer], resumed: Sequence[Step] = ()
) -> str:
    """The chart of one handover; ``resumed`` tells when its flows came back."""
    messages = messages_of(run, handover, transfers)
    rows: list[Step | Transfer] = [*steps_of(handover), *resumed, *messages]
    rows.sort(key=lambda row: row.time_ns if isinstance(row, Step) else row.sent_ns)
    shown = rows[:_MOST_ROWS]
    columns = _columns(run, shown)
    drawing = Drawing(_LEFT + _COLUMN * len(columns) - _COLUMN * 0.35, "Handover messages")
    height = _HEAD + _ROW * (len(shown) + 0.8)
    for name, x in columns.items():
        drawing.line(x, _HEAD, x, height, PALETTE["rule"], width=1.4)
        width = 20 + 7.4 * len(name)
        drawing.box(
            x - width / 2, 2, width, 23, fill=PALETTE["panel"], stroke=PALETTE["rule"], radius=4
        )
        drawing.text(x, 18, name, size=13, anchor="middle", bold=True)
    for at, row in enumerate(shown):
        y = _HEAD + _ROW * (at + 1)
        if isinstance(row, Step):
            _time(drawing, row.time_ns - handover.down_ns, y)
            _step(drawing, row, columns, y)
        else:
            _time(drawing, row.sent_ns - handover.down_ns, y)
            _transfer(drawing, run, row, columns, y)
    if len(rows) > len(shown):
        words = f"… and {len(rows) - len(shown)} more"
        drawing.text(_LEFT, height + 12, words, colour=PALETTE["soft"])
    return drawing.svg()


def _columns(run: Run, rows: list[Step | Transfer]) -> dict[str, float]:
    """The lifelines that are needed, from the mobile node inwards."""
    names: set[str] = set()
    for row in rows:
        if isinstance(row, Step):
            names.add(row.node)
        else:
            names |= {row.sender, *(node for node, _ in row.receipts)}
            names |= {_addressee(run, row)} - {""}
    nodes = run.meta["nodes"]

    def rank(name: str) -> tuple[int, int, str]:
        role = nodes.get(name, {}).get("role", "")
        return (_ORDER.index(role if role in _ORDER else ""), len(name), name)

    return {name: _LEFT + _COLUMN * (at + 0.3) for at, name in enumerate(sorted(names, key=rank))}


def _addressee(run: Run, transfer: Transfer) -> str:
    """The node a message was meant for when nobody was seen to receive it; empty if unknown."""
    name = run.node_of(transfer.message.destination)
    return name if not transfer.receipts and name in run.meta["nodes"] else ""


def _time(drawing: Drawing, since_ns: int, y: float) -> None:
    drawing.text(
        _LEFT - 22, y + 4, f"{since_ns / 1e6:.2f} ms", size=11, colour=PALETTE["soft"], anchor="end"
    )


def _step(drawing: Drawing, step: Step, columns: dict[str, float], y: float) -> None:
    x = columns[step.node]
    first, last = min(columns.values()), max(columns.values())
    drawing.line(first - 14, y, last + 14, y, PALETTE["rule"], dash="2 4")
    drawing.box(x - 4, y - 4, 8, 8, fill=PALETTE["ink"], radius=4)
    side = -1 if x == last and len(columns) > 1 else 1
    anchor = "start" if side > 0 else "end"
    drawing.text(x + 10 * side, y + 4, step.words, bold=True, anchor=anchor, halo=True)


def _transfer(
    drawing: Drawing, run: Run, transfer: Transfer, columns: dict[str, float], y: float
) -> None:
    message = transfer.message
    colour = message_colour(message.type)
    start = columns[transfer.sender]
    where = " in tunnel" if message.tunnelled else ""
    words = f"{message.type}{where} {message.detail}".strip()
    if not transfer.receipts:
        meant = _addressee(run, transfer)
        end = (start + columns[meant]) / 2 if meant else start + 46
        drawing.line(start, y, end, y, colour, width=1.5, dash="5 3")
        drawing.cross(end, y, PALETTE["bad"])
        side = 1 if end > start else -1
        anchor = "start" if side > 0 else "end"
        drawing.text(
            end + 10 * side, y + 4, words, size=11, colour=colour, anchor=anchor, halo=True
        )
        return
    node, when = max(transfer.receipts, key=lambda receipt: abs(columns[receipt[0]] - start))
    took = (when - transfer.sent_ns) / 1e6
    label = f"{words} · {took:.1f} ms"
    middle = (start + columns[node]) / 2
    drawing.text(middle, y - 5, label, size=11, colour=colour, anchor="middle", halo=True)
    for node, _ in transfer.receipts:
        drawing.arrow(start, columns[node], y, colour)

"""Link qualities on real links: rates by TBF, delay, jitter and loss by netem or a delay line.

Where the kernel has netem, each end of a link shapes what it sends. Elsewhere the link runs through
a namespace of its own, where one process, the delay line, joins its two halves:

    mar1-ix ══ line0a ─ delay line ─ line0b ══ ix-mar1

TBF then sits where the packets enter the line. A switch port is no place for it, though: a
user-space switch sends on all its ports through one socket, which a full queue would block. What
comes from a switch is limited where it leaves the line.

Links whose packets meet another quality for each destination run through the line on every kernel:
netem would need a class and a filter for each pair of hosts.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from emu.network.addressing import Interface
from emu.network.namespace import batch, entered, set_ipv6
from topologies.base import RADIO
from topologies.parameters import Quality

DelayBackend = Literal["netem", "delay-line"]

LINE = "line"
LINE_NAMESPACE = Path("/run/netns") / LINE
QUEUE_MS = 50
"""How long a packet waits for its turn on a link with a rate, before the queue is full."""
BURST_S = 0.004
"""What a link with a rate may catch up on, when the kernel's timer was late."""
LARGEST_FRAME = 1514
NETEM_LIMIT = 100_000
"""Packets that netem may hold; what is on its way must never be dropped."""


@dataclass(frozen=True)
class Line:
    """The two interfaces inside the line namespace that a link runs through."""

    ends: tuple[Interface, Interface]
    near: str
    """Joined to the first end."""
    far: str
    """Joined to the second."""


@dataclass(frozen=True)
class LineStatistics:
    """What the delay line did with the packets that one interface sent to another."""

    sender: str
    receiver: str
    forwarded: int
    lost: int
    """As the link's quality demands."""
    dropped: int
    """For any other reason: the rate's queue was full, or there was no carrier."""
    late_max_ns: int
    """How late the latest packet left the line: what the machine added to the delay."""


@dataclass(frozen=True)
class LineReport:
    """What the delay line did, by direction of each link that it served."""

    directions: list[LineStatistics]
    stalls: list[tuple[int, int]]
    """The periods (ns) in which packets left it very late."""


class Shaper:
    """Gives links their qualities."""

    def __init__(self, backend: DelayBackend, seed: int) -> None:
        self._backend = backend
        self._seed = seed
        self._lines: list[Line] = []
        self._process: subprocess.Popen[str] | None = None

    def line(self, ends: tuple[Interface, Interface]) -> Line | None:
        """The line that this link needs to run through, if any."""
        qualities = [end.quality for end in ends]
        slow = any(q.delay_ns or q.jitter_ns or q.loss for q in qualities)
        limited_switch = any(end.quality.rate_bps is not None for end in ends if _on_switch(end))
        by_destination = any(end.toward for end in ends)
        if not by_destination and (self._backend == "netem" or not (slow or limited_switch)):
            return None
        if not self._lines:
            batch("ip", [f"netns add {LINE}"])
            with entered(LINE_NAMESPACE):
                set_ipv6({"default/disable_ipv6": 1})
        number = len(self._lines)
        line = Line(ends, f"line{number}a", f"line{number}b")
        self._lines.append(line)
        return line

    def commands(self, interfaces: Iterable[Interface]) -> list[str]:
        """The ``tc`` commands that shape what the interfaces send."""
        if self._backend == "netem":
            return [command for end in interfaces for command in _netem(end.name, end.quality)]
        # What a switch sends is limited by a line, see above.
        senders = [end for end in interfaces if not _on_switch(end)]
        return [command for end in senders for command in _rate(end.name, end.quality, "root")]

    def start(self, directory: Path) -> None:
        """Start the delay line, once every link exists; packets flow when this returns."""
        if not self._lines:
            return
        config = directory / "delay-line.json"
        config.write_text(
            json.dumps({"seed": self._seed, "links": list(map(_link, self._lines))}),
            encoding="utf-8",
        )
        with entered(LINE_NAMESPACE):
            batch("tc", (command for line in self._lines for command in _line_rates(line)))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "emu.network.delay_line", str(config)],
                stdout=subprocess.PIPE,
                encoding="utf-8",
                start_new_session=True,
            )
        if not self._output().readline():
            raise RuntimeError("the delay line did not start")

    def check(self) -> None:
        """RuntimeError if the delay line has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            raise RuntimeError(f"the delay line ended with status {self._process.returncode}")

    def forget_lateness(self) -> None:
        """What was late until now, while the network was made, does not count."""
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)

    def stop(self) -> LineReport:
        """Stop the delay line, if there is one; what it did."""
        if self._process is None:
            return LineReport([], [])
        self._process.terminate()
        answer = self._output().read()
        self._process.wait()
        self._process = None
        report = json.loads(answer)
        senders = [
            (near, far) for line in self._lines for near, far in (line.ends, line.ends[::-1])
        ]
        directions = [
            LineStatistics(
                sender.name,
                receiver.name,
                *(counted[key] for key in ("forwarded", "lost", "dropped", "late_max_ns")),
            )
            for (sender, receiver), counted in zip(senders, report["directions"], strict=True)
        ]
        return LineReport(directions, [(start, end) for start, end in report["stalls"]])

    def _output(self) -> IO[str]:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout


def _link(line: Line) -> dict[str, Any]:
    """A link of the delay line's configuration."""
    near, far = line.ends
    return {"a": line.near, "b": line.far, "a_to_b": _asked(near), "b_to_a": _asked(far)}


def _asked(sender: Interface) -> dict[str, Any]:
    """What happens to the packets that an interface sends."""
    toward = {str(address): _quality(one) for address, one in sender.toward.items()}
    return {**_quality(sender.quality), "toward": toward}


def _quality(quality: Quality) -> dict[str, Any]:
    return {"delay": quality.delay_ns, "jitter": quality.jitter_ns, "loss": quality.loss}


def _line_rates(line: Line) -> list[str]:
    """The ``tc`` commands that limit, where it leaves the line, what a switch sent into it."""
    leaving = zip((line.far, line.near), line.ends, strict=True)
    return [
        command
        for name, sender in leaving
        if _on_switch(sender)
        for command in _rate(name, sender.quality, "root")
    ]


def _on_switch(interface: Interface) -> bool:
    return interface.node == RADIO


def _rate(name: str, quality: Quality, parent: str) -> list[str]:
    if quality.rate_bps is None:
        return []
    burst = max(2 * LARGEST_FRAME, int(quality.rate_bps * BURST_S / 8))
    tbf = f"tbf rate {quality.rate_bps}bit burst {burst} latency {QUEUE_MS}ms"
    return [f"qdisc replace dev {name} {parent} handle 20: {tbf}"]


def _netem(name: str, quality: Quality) -> list[str]:
    """netem at the root, so that TBF's queue holds what waits and not what is on its way."""
    delay, jitter = quality.delay_ns / 1000, quality.jitter_ns / 1000
    if not (delay or jitter or quality.loss):
        return _rate(name, quality, "root")
    netem = f"netem limit {NETEM_LIMIT} delay {delay:.3f}us {jitter:.3f}us loss {quality.loss:.6%}"
    return [
        f"qdisc replace dev {name} root handle 10: {netem}",
        *_rate(name, quality, "parent 10:1"),
    ]

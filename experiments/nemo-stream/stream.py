"""A stream of 1.5 Mbit/s over NEMO with and without retransmissions, and over our own protocol.

    python experiments/nemo-stream/stream.py [--runs 3] [--seconds 10] [--receivers 12]

In virtual time, with the cores that the daemon has. Prints the table of docs/nemo.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address
from multiprocessing import Pool
from pathlib import Path
from statistics import mean

import click

from agents.core import MILLISECOND, SECOND
from agents.wire.overlay_items import Interest
from emu.overlay_protocols.choice import choose
from emu.simulator.uplinks import Hosts, Network

GROUP, SOURCE = IPv6Address("ff0e::1"), IPv6Address("2001:db8:5::1")
PAYLOAD, AROUND = 1316, 48
"""Seven packets of an MPEG transport stream; IPv6 and UDP headers."""
RATE = 1_500_000
LATE = 200 * MILLISECOND
SETTLING_S = 30
MBIT = 1_000_000

PROTOCOLS = {
    "own": ("own", {}),
    "NEMO, without retransmissions": ("nemo", {"retransmissions": "off"}),
    "NEMO, asks after 50 ms": ("nemo", {}),
    "NEMO, asks at once": ("nemo", {"nack_after": "0ms"}),
    "NEMO, draws at heartbeats, asks after 50 ms": ("nemo", {"draw": "heartbeat"}),
    "NEMO, draws at heartbeats, without": ("nemo", {"draw": "heartbeat", "retransmissions": "off"}),
}
NETWORKS = {
    "100 Mbit/s, no loss": Network(100 * MBIT),
    "100 Mbit/s, 1 %": Network(100 * MBIT, 0.01),
    "6 Mbit/s, no loss": Network(6 * MBIT),
}


@dataclass(frozen=True)
class Outcome:
    """Of all receivers of one run; shares of the packets or seconds, but for the last two."""

    lost: float
    disordered: float
    """Came after one that was sent later."""
    late: float
    spoilt: float
    """Seconds with a packet that was lost or disordered, for a player that does not sort them."""
    spoilt_in_order: float
    """Seconds with one that was lost or late, for a player that waits 200 ms to sort them."""
    copies: float
    """Datagrams' octets that a member sent, for each octet of the stream."""
    overflown: float
    """Datagrams a second for which there was no room at an uplink."""


def play(protocol: str, network: str, seed: int, receivers: int, seconds: int) -> Outcome:
    """One run."""
    name, options = PROTOCOLS[protocol]
    choice = choose("protocol", name, options, Path())
    world = Hosts(seed, receivers + 1, NETWORKS[network], choice.make)
    source, *others = world.hosts
    for host in others:
        world.run(100 * MILLISECOND)
        world.act(host, lambda core, now: core.want(GROUP, Interest(GROUP, True), now))
    world.run(SETTLING_S * SECOND)
    before = [(host.sent, host.overflown) for host in world.hosts]
    sent: list[int] = []
    interval = PAYLOAD * 8 * SECOND // RATE
    while (len(sent) + 1) * interval <= seconds * SECOND:
        packet = len(sent).to_bytes(4, "big").ljust(PAYLOAD + AROUND, b"\0")
        sent.append(world.engine.now)
        world.act(source, lambda core, now, packet=packet: core.send(packet, SOURCE, GROUP, now))
        world.run(interval)
    world.run(3 * SECOND)
    octets = sum(h.sent - b for h, (b, _) in zip(world.hosts, before, strict=True))
    overflown = sum(h.overflown - b for h, (_, b) in zip(world.hosts, before, strict=True))
    stream = len(sent) * (PAYLOAD + AROUND) * receivers
    seen = [watch(host.came, sent, interval) for host in others]
    shares = (mean(column) for column in zip(*seen, strict=True))
    return Outcome(*shares, octets / stream, overflown / seconds)


def watch(came: list[tuple[int, bytes]], sent: list[int], interval: int) -> tuple[float, ...]:
    """What one receiver sees: the first fields of an ``Outcome``."""
    numbers = [int.from_bytes(packet[:4], "big") for _, packet in came]
    newest, disordered = -1, set()
    for number in numbers:
        if number < newest:
            disordered.add(number)
        newest = max(newest, number)
    lost = set(range(len(sent))) - set(numbers)
    times = zip(came, numbers, strict=True)
    late = {number for (when, _), number in times if when - sent[number] > LATE}
    packets = len(sent)

    def spoilt(bad: set[int]) -> float:
        seconds = -(-packets * interval // SECOND)
        return len({number * interval // SECOND for number in bad}) / seconds

    shares = (len(bad) / packets for bad in (lost, disordered, late))
    return (*shares, spoilt(lost | disordered), spoilt(lost | late))


@click.command()
@click.option("--runs", default=3, show_default=True, help="Runs of each row, with other seeds.")
@click.option("--seconds", default=10, show_default=True, help="Of the stream.")
@click.option("--receivers", default=12, show_default=True)
@click.option("--jobs", default=2, show_default=True, help="Processes.")
def main(runs: int, seconds: int, receivers: int, jobs: int) -> None:
    """Play all, and print the table."""
    rows = [(protocol, network) for network in NETWORKS for protocol in PROTOCOLS]
    cells = [(*row, seed, receivers, seconds) for row in rows for seed in range(runs)]
    with Pool(jobs) as pool:
        outcomes = pool.starmap(play, cells)
    heads = "uplinks, loss | protocol | lost | disordered | late | spoilt | sorted | sent"
    click.echo(f"| {heads} | overflow/s |")
    click.echo("|" + " --- |" * 9)
    for index, (protocol, network) in enumerate(rows):
        of = outcomes[index * runs : (index + 1) * runs]
        average = partial(_mean, of)
        click.echo(
            f"| {network} | {protocol} | {average('lost'):.2%} | {average('disordered'):.2%} | "
            f"{average('late'):.2%} | {average('spoilt'):.0%} | "
            f"{average('spoilt_in_order'):.0%} | {average('copies'):.2f} | "
            f"{average('overflown'):.0f} |"
        )


def _mean(outcomes: list[Outcome], name: str) -> float:
    return mean(getattr(outcome, name) for outcome in outcomes)


if __name__ == "__main__":
    main()

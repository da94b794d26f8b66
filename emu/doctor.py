"""What this machine has for runs, and what it lacks: kernel features, programs, Python packages."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import packages_distributions, version

from rich.console import Console
from rich.table import Table

from agents.kernel.capabilities import Capabilities, probe
from emu.requirements import (
    IPERF3,
    MODULES,
    PROGRAMS,
    Program,
    missing_modules,
    missing_programs,
)
from emu.scenario.model import Scenario
from emu.scenario.services import Cache
from emu.scenario.traffic import Iperf3Flow, ProgramFlow
from emu.services import kinds as services

_REMEDY = "use a stock Debian or Ubuntu kernel (in a container: a privileged one)"

_SYSTEM_PYTHON = "/usr/bin/python3 -m venv --system-site-packages"


@dataclass(frozen=True)
class Feature:
    """A kernel feature by its name in `Capabilities`: what uses it, and what stands in for it."""

    name: str
    purpose: str
    otherwise: str


FEATURES = (
    Feature("mrt6", "IPv6 multicast forwarding", "no multicast (CONFIG_IPV6_MROUTE)"),
    Feature("tun", "TUN devices", "no user-space switch or tunnel (CONFIG_TUN)"),
    Feature("tbf", "rates of links", "no rates (CONFIG_NET_SCH_TBF)"),
    Feature("optimistic_dad", "dad: optimistic", "no such dad (CONFIG_IPV6_OPTIMISTIC_DAD)"),
    Feature(
        "conntrack", "client: idle_release", "no idle_release (CONFIG_NF_CONNTRACK, CONFIG_NFT_CT)"
    ),
    Feature("interception", "caches at MARs", "no caches (CONFIG_NFT_TPROXY, CONFIG_NFT_SOCKET)"),
    Feature(
        "source_guard",
        "the source guard of MARs",
        "that of the access points alone (CONFIG_NF_TABLES_INET, CONFIG_NETFILTER_INGRESS)",
    ),
    Feature("openvswitch", "the radio switch", "Open vSwitch's user-space datapath"),
    Feature("ip6tnl", "tunnels", "eBPF programs on TUN devices"),
    Feature("bpf", "tunnels without ip6tnl", "plain TUN devices (slower)"),
    Feature("netem", "delay, jitter, loss", "a delay line, a process of its own"),
    Feature("realtime", "the delay line's timing", "less exact delays"),
)


def missing_for(scenario: Scenario) -> list[str]:
    """One line for each thing that a scenario needs and this machine lacks, with its remedy."""
    iperf3 = any(isinstance(flow, Iperf3Flow) for flow in scenario.traffic)
    wanted = [program for program in PROGRAMS if program.needed or (iperf3 and program is IPERF3)]
    commands = {flow.command[0] for flow in scenario.traffic if isinstance(flow, ProgramFlow)}
    wanted += [p for service in services.of(scenario.services) for p in service.programs]
    wanted += [Program(name, name, "the scenario's own program") for name in sorted(commands)]
    topology = scenario.topology
    links = (topology.access, topology.backhaul, topology.cmd, topology.core)
    needs = {
        "mrt6": scenario.multicast.scheme != "none",
        "tbf": bool(topology.access.profiles) or any(link.rate is not None for link in links),
        "conntrack": scenario.mobility.scheme == "client"
        and scenario.mobility.idle_release is not None,
        "interception": any(isinstance(one, Cache) for one in scenario.services.values()),
        "optimistic_dad": any(node.dad == "optimistic" for node in scenario.nodes.values()),
    }
    capabilities = probe()
    used = [name for name, needed in needs.items() if needed]
    return [
        *_missing_mininet(),
        *missing_programs(wanted),
        *_missing_features(capabilities, used),
    ]


def examine(console: Console) -> list[str]:
    """Prints all that there is; the lines of what some scenario would lack."""
    capabilities = probe() if os.geteuid() == 0 else None
    console.print(f"kernel {platform.release()} on {platform.machine()}", soft_wrap=True)
    if capabilities is None:
        console.print("what it offers, only root can try: sudo python -m emu doctor\n")
    else:
        console.print(_kernel_table(capabilities))
        console.print(_backend_table(capabilities))
    console.print(_program_table())
    console.print(_package_table())
    lacking = [*_missing_mininet()]
    lacking += missing_programs(program for program in PROGRAMS if program.needed)
    if capabilities is not None:
        lacking += _missing_features(capabilities, ["mrt6", "tbf"])
    return lacking


def _missing_mininet() -> Iterator[str]:
    """Every other package is there: without, this would not run."""
    if missing_modules():
        yield (
            f"Mininet's Python package (the network) in {sys.executable}: sudo apt-get install "
            f"mininet, then a virtual environment made with {_SYSTEM_PYTHON}"
        )


def _missing_features(capabilities: Capabilities, used: list[str]) -> Iterator[str]:
    """What the kernel lacks of the features that are used, and of what every run needs."""
    if not capabilities.ip6tnl or not capabilities.openvswitch:
        used = [*used, "tun"]
    for feature in FEATURES:
        if feature.name in used and not getattr(capabilities, feature.name):
            option = feature.otherwise.partition("(")[2].rstrip(")")
            yield f"{feature.purpose} in the kernel ({option}): {_REMEDY}"


def _kernel_table(capabilities: Capabilities) -> Table:
    table = _table("feature", "", "used for", "where it is missing")
    for feature in FEATURES:
        works = getattr(capabilities, feature.name)
        table.add_row(
            feature.name, _mark(works), feature.purpose, "" if works else feature.otherwise
        )
    return table


def _backend_table(capabilities: Capabilities) -> Table:
    table = _table("part", "backend in a run")
    table.add_row("switch", f"Open vSwitch, {capabilities.switch_backend()} datapath")
    table.add_row("tunnel", capabilities.tunnel_backend())
    table.add_row("delay", capabilities.delay_backend())
    return table


def _program_table() -> Table:
    table = _table("program", "", "used for", "where it is missing")
    for program in PROGRAMS:
        there = program.path is not None
        remedy = "" if there else program.remedy
        table.add_row(program.name, _mark(there), program.purpose, remedy)
    return table


def _package_table() -> Table:
    distributions = packages_distributions()
    table = _table("Python package", "version")
    for name in MODULES:
        for distribution in distributions.get(name, ())[:1]:
            table.add_row(distribution, version(distribution))
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _mark(works: bool) -> str:
    return "[green]yes[/]" if works else "[yellow]no[/]"

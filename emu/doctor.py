"""What this machine has for runs, and what it lacks: kernel features, programs, Python packages."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import packages_distributions, version
from typing import Any

from agents.kernel.capabilities import Capabilities, probe
from agents.kernel.neighbour_table import neighbour_table
from emu.requirements import (
    IPERF3,
    MODULES,
    PROGRAMS,
    Program,
    missing_modules,
    missing_programs,
)
from emu.scenario.events import Partition
from emu.scenario.model import Scenario
from emu.scenario.services import Cache
from emu.scenario.traffic import Iperf3Flow, ProgramFlow
from emu.schemes.registry import SCHEMES
from emu.services import kinds as services

_REMEDY = "use a stock Debian or Ubuntu kernel (in a container: a privileged one)"

NEIGHBOURS = "net.ipv6.neigh.default.gc_thresh3"
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
    Feature("partitions", "events: partition", "no partitions (CONFIG_NF_TABLES_IPV6)"),
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
        "interception": any(isinstance(one, Cache) for one in scenario.services.values()),
        "partitions": any(isinstance(event, Partition) for event in scenario.events),
        "optimistic_dad": any(node.dad == "optimistic" for node in scenario.nodes.values()),
    }
    capabilities = probe()
    used = [name for name, needed in needs.items() if needed]
    used += SCHEMES.find(scenario.mobility.scheme).features(scenario)
    return [
        *_missing_mininet(),
        *missing_programs(wanted),
        *_missing_features(capabilities, used),
    ]


def crowded() -> str | None:
    """One line, with the remedy, if more than half of the machine's table of neighbours is used.

    It is the machine's own, as only its first network namespace can change it.
    """
    table = neighbour_table()
    if 2 * table.entries <= table.limit:
        return None
    return (
        f"this machine's table of IPv6 neighbours has {table.entries} entries, its limit is "
        f"{table.limit}; when it is full, runs lose packets: sudo sysctl -w "
        f"{NEIGHBOURS}={8 * table.limit}"
    )


def examine() -> dict[str, Any]:
    """All that there is; ``missing`` has a line for each thing that some scenario would lack.

    ``features`` and ``backends`` are None unless root asks, who alone can try them.
    """
    capabilities = probe() if os.geteuid() == 0 else None
    lacking = [*_missing_mininet()]
    lacking += missing_programs(program for program in PROGRAMS if program.needed)
    if capabilities is not None:
        lacking += _missing_features(capabilities, ["mrt6", "tbf"])
    distributions = packages_distributions()
    return {
        "kernel": platform.release(),
        "machine": platform.machine(),
        "features": capabilities and _features(capabilities),
        "backends": capabilities and _backends(capabilities),
        "neighbours": asdict(neighbour_table()),
        "programs": [
            {
                "name": program.name,
                "path": program.path,
                "purpose": program.purpose,
                "remedy": program.remedy,
            }
            for program in PROGRAMS
        ],
        "packages": {
            distribution: version(distribution)
            for name in MODULES
            for distribution in distributions.get(name, ())[:1]
        },
        "missing": lacking,
    }


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


def _features(capabilities: Capabilities) -> list[dict[str, Any]]:
    return [
        {
            "name": feature.name,
            "works": bool(getattr(capabilities, feature.name)),
            "purpose": feature.purpose,
            "otherwise": feature.otherwise,
        }
        for feature in FEATURES
    ]


def _backends(capabilities: Capabilities) -> dict[str, str]:
    return {
        "switch": f"Open vSwitch, {capabilities.switch_backend()} datapath",
        "tunnel": capabilities.tunnel_backend(),
        "delay": capabilities.delay_backend(),
    }

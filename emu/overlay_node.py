"""A member of an overlay in a lab: the same daemon as on any machine, told by a plan."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_interface
from pathlib import Path
from typing import Any

from agents.roles.overlay import Keys, OverlayDaemon, OverlayOptions
from agents.wire.i3 import endpoint
from agents.wire.overlay import NO_KEY
from emu.overlay_protocols.choice import choose

_FIRST_KEY = 1


def main(config: dict[str, Any]) -> None:
    """Be a member until told to stop."""
    keys = _keys(config["key"])
    OverlayDaemon(_options(config, keys), lambda: keys).run()


def _options(config: dict[str, Any], keys: Keys) -> OverlayOptions:
    chosen = choose("scheme", config["scheme"], config["options"], Path(config["folder"]))
    return OverlayOptions(
        name=config["node"],
        protocol=config["scheme"],
        make=chosen.make,
        in_kernel=chosen.in_kernel(config["data_path"]),
        interface=config["interface"],
        tap=False,
        addresses=tuple(map(ip_interface, config["addresses"])),
        networks=None if config["networks"] is None else tuple(config["networks"]),
        mtu=config["mtu"],
        default=True,
        port=config["port"],
        underlay_mtu=None,
        known_as=(),
        reachable=None,
        seeds=tuple(endpoint(IPv6Address(host), port) for host, port in config["known"]),
        keys=keys,
        link_scope=config["link_scope"],
        threshold=1,
        query_interval=config["query_interval"],
        query=config["query"],
        log=config["log"],
    )


def _keys(secret: str | None) -> Keys:
    return Keys({}, NO_KEY) if secret is None else Keys({_FIRST_KEY: secret.encode()}, _FIRST_KEY)

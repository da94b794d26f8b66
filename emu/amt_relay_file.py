"""The configuration of an AMT relay: ``emu overlay CONFIG`` with ``protocol: amt-relay``."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PlainValidator

from agents.overlay.amt.config import RelayConfig
from agents.roles.amt_relay_daemon import RelayOptions
from agents.wire.amt import PORT
from emu.overlay_file import STANDARD_ERROR, good_name, status_path
from emu.overlay_protocols.alm import Switch
from emu.scenario.document import Document
from emu.scenario.errors import Problem, quote
from emu.scenario.fields import within
from emu.scenario.loader import load_section, read, refuse
from emu.scenario.section import Section
from emu.scenario.units import DURATION

PROTOCOL = "amt-relay"
_DEFAULT = RelayConfig()


def _address(value: object) -> IPv4Address | IPv6Address:
    remedy = "write an address of this host, such as 192.0.2.1"
    try:
        return ip_address(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"{quote(value)} is no address; {remedy}") from None


AddressText = Annotated[IPv4Address | IPv6Address, PlainValidator(_address)]
Many = Annotated[int, Field(ge=1, le=1_000_000)]


class RelayFile(Section):
    """All that a configuration may say."""

    protocol: Literal["amt-relay"]
    name: Annotated[str, AfterValidator(good_name)] | None = None
    native: Annotated[str, AfterValidator(good_name), Field(examples=["eth1"])]
    """The interface with native multicast."""
    addresses: Annotated[tuple[AddressText, ...], Field(examples=["[192.0.2.1]"])]
    discovery: tuple[AddressText, ...] = ()
    port: Annotated[int, Field(ge=1, le=65535)] = PORT
    path_mtu: Annotated[int, Field(ge=1280, le=65535)] = _DEFAULT.path_mtu
    query_interval: Annotated[int, within(DURATION, "1s", "30min")] = _DEFAULT.query_interval
    unreachable: Annotated[int, Field(ge=0, le=1_000_000)] = _DEFAULT.unreachable
    linux: Switch = False
    """Gateways may be Linux's amt device."""
    tunnels: Many = _DEFAULT.maximum_tunnels
    tunnels_of_address: Many = _DEFAULT.maximum_tunnels_of_address
    groups_of_tunnel: Many = _DEFAULT.maximum_groups


def is_relay(path: Path) -> bool:
    """Whether a configuration is one of a relay."""
    value = Document.parse(read(path), str(path)).value
    return isinstance(value, dict) and value.get("protocol") == PROTOCOL


def load_relay(path: Path) -> RelayOptions:
    """What a file says; raises ``ScenarioError`` for one that cannot be used."""
    document, config = load_section(path, RelayFile)
    refuse(document, _check(config))
    return RelayOptions(
        name=config.name or socket.gethostname()[:15],
        interface=config.native,
        addresses=config.addresses,
        discovery=config.discovery,
        port=config.port,
        config=RelayConfig(
            query_interval=config.query_interval,
            maximum_tunnels=config.tunnels,
            maximum_tunnels_of_address=config.tunnels_of_address,
            maximum_groups=config.groups_of_tunnel,
            path_mtu=config.path_mtu,
            unreachable=config.unreachable,
            linux=config.linux,
        ),
        query=str(status_path(f"{PROTOCOL}-{config.native}")),
        log=STANDARD_ERROR,
    )


def _check(config: RelayFile) -> list[Problem]:
    versions = [address.version for address in config.addresses]
    if not versions or len(set(versions)) < len(versions):
        remedy = "write one IPv4 address of this host, one IPv6 address, or one of each"
        return [Problem(("addresses",), f"has {len(versions)} addresses; {remedy}")]
    return []

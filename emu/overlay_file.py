"""The configuration of a member of an overlay: ``emu overlay CONFIG`` (docs/overlay.md)."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from ipaddress import IPv4Interface, IPv6Address, ip_network
from ipaddress import ip_interface as parse_interface
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from agents.kernel.virtual_interface import Address
from agents.multicast.island import Network
from agents.overlay.data_path import Capacity
from agents.roles.overlay import Keys, OverlayOptions
from agents.wire.i3 import Endpoint
from agents.wire.overlay import NO_KEY, PORT
from emu.endpoints import address_of, endpoint_text
from emu.overlay_protocols.alm import Secret, Switch
from emu.overlay_protocols.choice import Choice, WrongChoice, choose
from emu.overlay_protocols.data_paths import BPF, DataPathName, data_path_problem
from emu.scenario.document import Document
from emu.scenario.errors import Problem, ScenarioError, quote
from emu.scenario.fields import within
from emu.scenario.loader import lines, load_section, refuse
from emu.scenario.section import Section
from emu.scenario.units import DURATION

RUN = Path("/run")
STANDARD_ERROR = 2
_NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,14}")
_ISLAND = "ethernet"
"""The kind of interface that is there already."""
OVERHEAD = 109
"""Octets around a packet: IPv6, UDP, the overlay's own; Ethernet has 1500."""


def _text(value: object, remedy: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{quote(value)} is no text; {remedy}")
    return value


def _known_as(value: object) -> IPv6Address:
    return address_of(value, "write an address of this host as others see it, such as 192.0.2.1")


def _network(value: object) -> Network:
    remedy = "write one such as 10.1.0.0/16 or 2001:db8:1::/48"
    try:
        return ip_network(_text(value, remedy))
    except ValueError:
        raise ValueError(f"{quote(value)} is no network; {remedy}") from None


def _interface(value: object) -> Address:
    remedy = "write an address with its prefix length, such as 10.80.0.1/16 or fd80::1/64"
    try:
        address = parse_interface(_text(value, remedy))
    except ValueError:
        raise ValueError(f"{quote(value)} is no address; {remedy}") from None
    if address.network.prefixlen == address.network.max_prefixlen:
        raise ValueError(f"{quote(value)} is alone in its network; {remedy}")
    if isinstance(address, IPv4Interface) and (address.ip == address.network.broadcast_address - 1):
        raise ValueError(f"{quote(value)} is the querier's address there; write another one")
    return address


def good_name(value: str) -> str:
    """A name of a member or an interface; ValueError for what is none."""
    if _NAMES.fullmatch(value) is None:
        raise ValueError(
            f"{quote(value)} is not a good name; write up to 15 letters, digits, dots, dashes or "
            "underscores"
        )
    return value


def _some_or_off(value: object) -> object:
    """``off`` is no key; none at all may be an oversight."""
    if value in ({}, None):
        raise ValueError("has no key; write keys: {1: SECRET}, or keys: off")
    return {} if value == "off" else value


KeyNumber = Annotated[int, Field(ge=1, le=255)]
EndpointText = Annotated[Endpoint, endpoint_text("a member", PORT)]
KnownAs = Annotated[IPv6Address, PlainValidator(_known_as)]
NetworkText = Annotated[Network, PlainValidator(_network)]
InterfaceAddress = Annotated[Address, PlainValidator(_interface)]


class Interface(Section):
    """The virtual interface, or that to an island."""

    name: Annotated[str, AfterValidator(good_name)] = "mc0"
    kind: Literal["tun", "tap", "ethernet"] = "tun"
    addresses: tuple[InterfaceAddress, ...] = ()
    networks: tuple[NetworkText, ...] = ()
    mtu: Annotated[int, Field(ge=1280, le=65535)] = 1500 - OVERHEAD
    default: Switch = False
    igmp: Annotated[int, Field(ge=1, le=3)] = 3
    mld: Annotated[int, Field(ge=1, le=2)] = 2
    """The oldest version that another router on the link speaks."""


class OverlayFile(Section):
    """All that a configuration may say."""

    name: Annotated[str, AfterValidator(good_name)] | None = None
    interface: Interface
    protocol: str = "own"
    options: dict[str, Any] = {}
    """Of the protocol."""
    data_path: DataPathName = "python"
    port: Annotated[int, Field(ge=1, le=65535)] = PORT
    underlay_mtu: Annotated[int, Field(ge=1280, le=65535)] | None = None
    known_as: tuple[KnownAs, ...] = ()
    reachable: Literal["auto", "yes", "no"] = "auto"
    members: tuple[EndpointText, ...] = ()
    keys: Annotated[dict[KeyNumber, Secret], BeforeValidator(_some_or_off)]
    send_with: int | None = None
    link_scope: Switch = False
    threshold: Annotated[int, Field(ge=1, le=255)] = 1
    query_interval: Annotated[int, within(DURATION, "1s", "30min")] = DURATION.parse("125s")


def load(path: Path) -> OverlayOptions:
    """What a file says; raises ``ScenarioError`` for one that cannot be used."""
    document, config = load_section(path, OverlayFile)
    refuse(document, _check(config))
    choice, in_kernel = _protocol(config, document, path.parent)
    interface = config.interface
    return OverlayOptions(
        name=config.name or socket.gethostname()[:15],
        protocol=config.protocol,
        make=choice.make,
        interface=interface.name,
        tap=interface.kind == "tap",
        addresses=interface.addresses,
        networks=interface.networks if interface.kind == _ISLAND else None,
        mtu=interface.mtu,
        default=interface.default,
        port=config.port,
        underlay_mtu=config.underlay_mtu,
        known_as=config.known_as,
        reachable={"auto": None, "yes": True, "no": False}[config.reachable],
        seeds=config.members,
        keys=_keys(config),
        link_scope=config.link_scope,
        threshold=config.threshold,
        in_kernel=in_kernel,
        query_interval=config.query_interval,
        query=str(status_path(interface.name)),
        log=STANDARD_ERROR,
        igmp=interface.igmp,
        mld=interface.mld,
    )


def status_path(interface: str) -> Path:
    """Where the member with this interface, of our network namespace, tells its status."""
    namespace = os.stat("/proc/thread-self/ns/net").st_ino
    return RUN / f"emu-overlay-{namespace}-{interface}.sock"


def reloading(path: Path, complain: Callable[[str], None]) -> Callable[[], Keys | None]:
    """Reads the keys of a file again; None when it cannot be used, which is said."""

    def again() -> Keys | None:
        try:
            return load(path).keys
        except ScenarioError as error:
            for problem in error.problems:
                complain(problem)
            return None

    return again


def _keys(config: OverlayFile) -> Keys:
    secrets = {number: secret.encode() for number, secret in config.keys.items()}
    return Keys(secrets, config.send_with or min(secrets, default=NO_KEY))


def _protocol(
    config: OverlayFile, document: Document, folder: Path
) -> tuple[Choice, Capacity | None]:
    """The protocol with its options, and what it carries in the kernel, if it is to."""
    try:
        choice = choose("protocol", config.protocol, config.options, folder)
        return choice, choice.in_kernel(config.data_path)
    except WrongChoice as error:
        raise ScenarioError(lines(document, error.problems)) from None


def _check_interface(config: OverlayFile) -> Iterator[Problem]:
    """What an interface of one kind needs, and one of another does not have."""
    interface = config.interface
    if interface.kind == _ISLAND:
        for key in sorted(interface.model_fields_set & {"addresses", "mtu", "default"}):
            text = "is for a virtual interface, and this one is there already; leave it out"
            yield Problem(("interface", key), text)
        if config.data_path == BPF:
            text = "is for a virtual interface, and this one is there already; leave it out"
            yield Problem(("data_path",), text)
        if config.link_scope:
            text = "groups of link scope stay in an island; write off, or leave it out"
            yield Problem(("link_scope",), text)
        return
    if interface.kind == "tun":
        for key in sorted(interface.model_fields_set & {"igmp", "mld"}):
            text = "there is no other router on a tun; leave it out"
            yield Problem(("interface", key), text)
    if not interface.addresses:
        text = "has no address; write one such as 10.80.0.1/16"
        yield Problem(("interface", "addresses"), text)
    if interface.networks:
        text = f"is for an island; write kind: {_ISLAND}, or leave it out"
        yield Problem(("interface", "networks"), text)


def _check(config: OverlayFile) -> list[Problem]:
    """What no value has wrong by itself."""
    if problems := list(_check_interface(config)):
        return problems
    if text := data_path_problem(config.data_path, keys=bool(config.keys)):
        return [Problem(("data_path",), text)]
    if config.send_with is None or config.send_with in config.keys:
        return []
    known = ", ".join(map(str, sorted(config.keys)))
    remedy = (
        f"no key has this number; write one of {known}"
        if known
        else "there are no keys; leave it out"
    )
    return [Problem(("send_with",), remedy)]

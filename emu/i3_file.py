"""Files of i3 servers and clients: ``emu i3 server FILE``, ``emu i3 client FILE`` (docs/i3.md)."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo

from agents.i3.positions import near
from agents.roles.i3_port import PORT
from agents.wire.i3 import IDENTIFIER_LENGTH, Endpoint, Identifier, address_and_port
from emu.endpoints import address_of, endpoint_text, read_endpoint
from emu.scenario.i3 import (
    Degree,
    Lifetime,
    Metric,
    Recovery,
    Refresh,
    RefreshPeriod,
    RootChoice,
    Roots,
)
from emu.scenario.loader import load_section
from emu.scenario.section import Section

KEY_LENGTH = 32


def _address(value: object) -> IPv6Address:
    return address_of(value, "write an address of this host, such as 2001:db8::1")


def _hexadecimal(length: int, remedy: str) -> AfterValidator:
    def check(value: str) -> str:
        try:
            good = len(bytes.fromhex(value)) == length and len(value) == 2 * length
        except ValueError:
            good = False
        if not good:
            raise ValueError(f"is not {2 * length} hexadecimal digits; write those of {remedy}")
        return value

    return AfterValidator(check)


def _one_of_the_roots(number: int | None, info: ValidationInfo) -> int | None:
    roots = info.data.get("roots", 1)
    if number is not None and number >= roots:
        raise ValueError(f"{number} is not less than roots; write roots: {number + 1} or more")
    return number


Address = Annotated[IPv6Address, PlainValidator(_address)]
Server = Annotated[Endpoint, endpoint_text("a server", PORT)]
Key = Annotated[str, _hexadecimal(KEY_LENGTH, f"openssl rand -hex {KEY_LENGTH}")]
Root = Annotated[str, _hexadecimal(IDENTIFIER_LENGTH, "emu i3 root SERVER")]


class Node(Section):
    """What a server and a client have in common."""

    address: Address = Field(examples=["2001:db8::1"])
    port: int = Field(default=PORT, ge=1, le=65535)
    degree: Degree = 8


class ServerFile(Node):
    """All that the file of a server may say."""

    key: Key = Field(examples=["SECRET"])
    """What all servers of the infrastructure share."""
    known: tuple[Server, ...] = ()
    """Servers by which to join; none: it is the first one."""
    lifetime: Lifetime = 30_000_000_000


class ClientFile(Node):
    """All that the file of a client may say."""

    known: tuple[Server, ...] = Field(min_length=1, examples=["['[2001:db8::1]:5610']"])
    """Servers by which to begin, the nearest first."""
    root: Root = Field(examples=["IDENTIFIER"])
    """The group's identifier."""
    founder: bool = False
    refresh: Refresh = "refresh-level"
    refresh_period: RefreshPeriod = 10_000_000_000
    recovery: Recovery = "off"
    metric: Metric = "delay"
    roots: Roots = 1
    root_choice: RootChoice = "list"
    root_number: Annotated[int | None, Field(ge=1), AfterValidator(_one_of_the_roots)] = None
    """Which of several roots this client is; the founder is number 0."""


def new_root(at: str) -> Identifier:
    """An identifier for a group that a server has; ValueError for what says not where one is."""
    random = SystemRandom()
    prefix = near(read_endpoint(at, "a server", PORT), random)
    return Identifier(prefix + random.randbytes(IDENTIFIER_LENGTH - len(prefix)))


def load(path: Path, kind: type[ServerFile] | type[ClientFile]) -> dict[str, Any]:
    """What a server or client is told; raises ``ScenarioError`` for a file that cannot be used.

    Its log and its sockets are beside the file, by its name.
    """
    _, found = load_section(path, kind)
    known = [address_and_port(server) for server in found.known]
    return {
        **found.model_dump(),
        "address": str(found.address),
        "known": [(str(address), port) for address, port in known],
        "node": path.stem,
        "seed": None,
        "interface": None,
        "log": str(path.with_suffix(".log")),
        "query": str(path.with_suffix(".query")),
        "applications": str(path.with_suffix(".i3")),
    }

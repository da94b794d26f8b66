"""Addresses with ports, as files of members and servers have them."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

from pydantic import PlainValidator

from agents.wire.addresses import mapped
from agents.wire.i3 import Endpoint, endpoint
from emu.scenario.errors import quote


def address_of(value: object, remedy: str) -> IPv6Address:
    """An IPv6 address, or an IPv4 one, mapped; ValueError with the remedy for anything else."""
    if not isinstance(value, str):
        raise ValueError(f"{quote(value)} is no text; {remedy}")
    try:
        address = ip_address(value)
    except ValueError:
        raise ValueError(f"{quote(value)} is no address; {remedy}") from None
    return address if isinstance(address, IPv6Address) else mapped(address)


def endpoint_text(whose: str, port: int) -> PlainValidator:
    """Reads where somebody is; ``port`` is that of the example."""
    return PlainValidator(lambda value: read_endpoint(value, whose, port))


def read_endpoint(value: object, whose: str, port: int) -> Endpoint:
    """Where somebody is; ValueError for what says no such thing."""
    remedy = f"write an address with a port, such as 192.0.2.1:{port} or [2001:db8::1]:{port}"
    if not isinstance(value, str):
        raise ValueError(f"{quote(value)} is no text; {remedy}")
    host, _, number = value.rpartition(":")
    try:
        address = address_of(host.removeprefix("[").removesuffix("]"), remedy)
        if not 0 < int(number) < 1 << 16:
            raise ValueError
    except ValueError:
        raise ValueError(f"{quote(value)} is not where {whose} is; {remedy}") from None
    return endpoint(address, int(number))

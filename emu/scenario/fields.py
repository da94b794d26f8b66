"""The kinds of value in a scenario: each reads its text and says what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from emu.scenario.errors import quote
from emu.scenario.units import DURATION, RATE, Quantity, percentage


def within(quantity: Quantity, least: str, most: str) -> BeforeValidator:
    """Reads a quantity between two bounds, both included, written as in a scenario."""
    low, high = quantity.parse(least), quantity.parse(most)

    def read(value: object) -> int:
        number = quantity.parse(value)
        if not low <= number <= high:
            raise ValueError(f"{quantity.show(number)} is out of range; write {least} to {most}")
        return number

    return BeforeValidator(read)


def nothing_as(empty: Callable[[], object]) -> BeforeValidator:
    """A key written without a value (all of its entries commented out) holds nothing."""
    return BeforeValidator(lambda value: empty() if value is None else value)


def _share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"{value:.0%} is out of range; write 0% to 100%")
    return value


def _named(pattern: str, rule: str) -> AfterValidator:
    def check(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise ValueError(f"{quote(value)} is not a good name; write {rule}")
        return value

    return AfterValidator(check)


def _group(value: object) -> IPv6Address:
    """An IPv6 multicast group that routers forward: wider than link-local scope (RFC 7346)."""
    remedy = "write an IPv6 multicast group such as ff3e::c1"
    if value is None:
        raise ValueError(f"has no value; {remedy}")
    try:
        group = IPv6Address(value if isinstance(value, (str, IPv6Address)) else "")
    except ValueError:
        raise ValueError(f"{quote(value)} is not an IPv6 address; {remedy}") from None
    if group.scope_id is not None or not group.is_multicast:
        raise ValueError(f"{quote(str(group))} is not a multicast address; {remedy}")
    scope = group.packed[1] & 0x0F
    if not 3 <= scope <= 14:
        raise ValueError(f"{quote(str(group))} has scope {scope:x}, which is not routed; {remedy}")
    return group


def _access_router(value: object) -> object:
    return re.sub(r"^dar(?=[0-9]+$)", "mar", value) if isinstance(value, str) else value


def _policy(value: object) -> object:
    """A policy of the toolkit, or ``file.py:ClassName``."""
    remedy = "write one of static, scope, delay, mobility, load, or file.py:ClassName"
    if not isinstance(value, str):
        return value
    if re.fullmatch(r"static|scope|delay|mobility|load|[^:]+\.py:[A-Za-z_]\w*", value) is None:
        raise ValueError(f"{quote(value)} is not a policy; {remedy}")
    return value


def _key(value: str) -> str:
    if not 8 <= len(value) <= 64:
        raise ValueError(f"has {len(value)} characters; write a secret of 8 to 64 characters")
    return value


_WORDS = "letters, digits, dots, dashes or underscores"

Instant = Annotated[int, within(DURATION, "0s", "24h")]
"""A time since the start of the run, or a duration that may be 0; ns."""
Delay = Annotated[int, within(DURATION, "0s", "10s")]
"""A one-way delay; ns."""
Rate = Annotated[int, within(RATE, "1kbit", "100gbit")]
"""bit/s."""
Loss = Annotated[float, BeforeValidator(percentage), AfterValidator(_share)]
"""The share of packets lost, 0 to 1."""
Group = Annotated[IPv6Address, BeforeValidator(_group)]
"""An IPv6 multicast address of more than link-local scope."""
ScenarioName = Annotated[str, _named(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", f"up to 64 {_WORDS}")]
"""Good as the name of a folder."""
EntryName = Annotated[str, _named(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", f"up to 32 {_WORDS}")]
"""The name of a channel or of a flow; good in the name of a file."""
NodeName = Annotated[
    str, _named(r"[A-Za-z][A-Za-z0-9]{0,8}", "a letter, then up to 8 letters or digits")
]
"""Nine characters at most, so that ``radio-<node>`` fits the 15 of an interface name."""
PolicyName = Annotated[str, BeforeValidator(_policy)]
"""A channel control policy, or the file and the class of a user's own."""
AccessRouter = Annotated[str, BeforeValidator(_access_router)]
"""A MAR by its name, ``mar1`` … (``dar1`` is read as ``mar1``)."""
Key = Annotated[str, AfterValidator(_key)]
"""A secret that nodes share."""

"""The kinds of service, by their names in a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from emu.scenario.services import Service, Services
from emu.services.cache import CacheKind
from emu.services.call import CallKind
from emu.services.kind import Kind
from emu.services.origin import OriginKind
from emu.services.player import PlayerKind

KINDS: dict[str, type[Kind[Any]]] = {
    "origin": OriginKind,
    "cache": CacheKind,
    "player": PlayerKind,
    "call": CallKind,
}


def of(services: Mapping[str, Service]) -> list[Kind[Any]]:
    """Each of a scenario's services, in its order."""
    return [KINDS[service.kind](name, service) for name, service in services.items()]


def of_record(services: Mapping[str, Any]) -> list[Kind[Any]]:
    """The same of the services as a record writes them."""
    return of(TypeAdapter(Services).validate_python(services))

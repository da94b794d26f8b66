"""The mobility section of a scenario: the scheme, its timers, and the keys that schemes declare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Annotated, Any, TypeVar, cast

from pydantic import GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema

from emu.scenario.fields import NO_KEY, Key, declared, within
from emu.scenario.section import Section
from emu.scenario.units import DURATION
from emu.schemes.registry import SCHEMES

Keys = TypeVar("Keys", bound=Section)


class Mobility(Section):
    """The mobility scheme and its timers; `whole` has each scheme's own keys as well."""

    scheme: Annotated[str, declared(SCHEMES)] = "dmm"
    binding_lifetime: Annotated[int, within(DURATION, "4s", "262140s")] = DURATION.parse("300s")
    """Lifetime asked in each Proxy Binding Update; a multiple of 4 s (RFC 6275 section 6.1.7)."""
    retransmission: Annotated[int, within(DURATION, "10ms", "32s")] = DURATION.parse("1s")
    """First retransmission timeout of a Proxy Binding Update (RFC 6275 section 12)."""
    key: Key | None = None
    """What the nodes of the domain share to authenticate their signalling (RFC 4285). Of this, each
    mobile node of ``mipv6`` has a key of its own; without it of a secret that each run makes."""

    @property
    def domain_key(self) -> str | None:
        """What routers share, if they do."""
        return None if self.key == NO_KEY else self.key

    def of(self, keys: type[Keys]) -> Keys:
        """This, as the keys that some scheme declares."""
        assert isinstance(self, keys)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Other processes, which read a scenario that they are sent, make `whole` themselves."""
        return _sent, (self.__getstate__(),)


def _sent(state: dict[Any, Any]) -> Mobility:
    kind = whole()
    mobility = kind.__new__(kind)
    mobility.__setstate__(state)
    return mobility


class Whole:
    """Annotates a `Mobility` that is read with the keys of all schemes.

    They are asked for when the first scenario is read, not when this module is imported: schemes
    of other packages may import it.
    """

    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(whole())


@cache
def whole() -> type[Mobility]:
    """The section with the keys of all schemes; ValueError if two declare one key differently."""
    sections = dict.fromkeys(keys for scheme in SCHEMES.all().values() for keys in scheme.keys)
    seen: dict[str, type[Section]] = dict.fromkeys(Mobility.model_fields, Mobility)
    for section in sections:
        for key in section.model_fields:
            if key in seen:
                here, there = (f"{one.__module__}.{one.__name__}" for one in (section, seen[key]))
                raise ValueError(f"mobility.{key} is declared by {there} and {here}; rename one")
            seen[key] = section
    # Keys of the last ones come first.
    bases: tuple[type[Any], ...] = (*reversed(sections), Mobility)
    return cast(type[Mobility], create_model("Mobility", __base__=bases, __module__=__name__))


def owners(key: str) -> Sequence[str]:
    """The schemes that have a key for themselves; none, if all have it."""
    return [name for name, scheme in SCHEMES.all().items() if key in _own(scheme.keys)]


def _own(sections: Sequence[type[Section]]) -> Iterator[str]:
    for section in sections:
        yield from section.model_fields

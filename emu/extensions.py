"""What the toolkit has several of, and other installed packages may bring more of, by its name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.util import find_spec
from typing import Generic, TypeVar

from emu.scenario.errors import each_of, one_of, quote

T = TypeVar("T")


class Registry(Generic[T]):
    """Declarations of one kind; each is loaded when it is asked for.

    ``own`` says where those of the toolkit are: ``module:CONSTANT``. Those of other packages are
    entry points of ``group``.
    """

    def __init__(self, what: str, group: str, kind: type[T], own: Mapping[str, str]) -> None:
        self._what = what
        self._group = group
        self._kind = kind
        self._own = own

    def names(self) -> list[str]:
        """All that there are, the toolkit's first; ValueError if two have one name."""
        return [*self._own, *sorted(self._others())]

    def find(self, name: str, otherwise: str = "") -> T:
        """The declaration of that name; ``otherwise``: what else would be right in its place.

        ValueError, with what would be right, if there is none, or if it is not whole.
        """
        if name in self._own:
            found: T = EntryPoint(name, self._own[name], self._group).load()
            return found
        others = self._others()
        if name not in others:
            remedy = f"write {one_of(self.names())}{otherwise}"
            raise ValueError(f"{quote(name)} is no {self._what}; {remedy}")
        return self.proven(name, others[name].load)

    def _others(self) -> dict[str, EntryPoint]:
        """Those of other packages."""
        found: dict[str, EntryPoint] = {}
        for point in _installed(self._group, tuple(sys.path)):
            if point.name in self._own or point.name in found:
                first = found.get(point.name)
                owners = each_of([_package(first) if first else "the toolkit", _package(point)])
                text = f"the {self._what} {point.name} is there twice, from {owners}"
                raise ValueError(f"{text}; uninstall or rename one")
            found[point.name] = point
        return found

    def all(self) -> dict[str, T]:
        """Each by its name; ValueError as `find` raises it."""
        return {name: self.find(name) for name in self.names()}

    def proven(self, name: str, load: Callable[[], object]) -> T:
        """What is loaded, if it is such a declaration; ValueError, with the reason, if not."""
        try:
            found = load()
        except Exception as error:  # somebody else's code may raise anything
            why = f"{type(error).__name__}: {error}".splitlines()[0]
            raise ValueError(f"{name} cannot be loaded ({why}); mend it") from None
        if not isinstance(found, self._kind):
            kind = self._kind.__name__
            remedy = f"write {kind.upper()} = {kind}(…) there"
            raise ValueError(f"{name} has no {self._what} in it; {remedy}")
        return found


def is_there(module: str) -> bool:
    """Whether there is such a module, which is not imported; the package around it is."""
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


@lru_cache
def _installed(group: str, path: tuple[str, ...]) -> EntryPoints:
    """The entry points of a group in the packages on the path, which takes a while to read."""
    return entry_points(group=group)

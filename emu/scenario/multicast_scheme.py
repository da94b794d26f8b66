"""What a multicast scheme declares of itself, and which there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, cast

from emu.extensions import Registry
from emu.scenario.errors import Problem

if TYPE_CHECKING:
    from emu.analysis.multicast_schemes import Multicast
    from emu.scenario.model import Scenario


def _nothing(scenario: Scenario) -> tuple[()]:
    return ()


@dataclass(frozen=True, kw_only=True)
class MulticastScheme:
    """One multicast scheme. Its name is the one under which it is registered."""

    natively: bool
    """Whether access routers have channels from the native infrastructure; else by tunnels, of the
    mobility anchor, of the home agent or of other MARs. DMM has tunnels, and may have both."""
    goes_with: tuple[str, ...] = ()
    """Mobility schemes with which it goes, besides those that name it themselves."""
    keys: tuple[str, ...] = ()
    """Those keys of ``multicast`` that do something in this one, and not in every scheme."""
    defaults: Mapping[str, object] = field(default_factory=dict)
    """What keys of ``multicast`` are unless they are written, where that is not what they are in
    other schemes; as a scenario has them."""
    check: Callable[[Scenario], Iterable[Problem]] = _nothing
    """What a scenario that names it must keep besides."""
    prediction: str = ""
    """``module:CONSTANT``, an object like `emu.analysis.multicast_schemes.Multicast`; empty: there
    are no equations, and no predictions."""

    def load_prediction(self) -> Multicast | None:
        """What ``prediction`` names; ValueError, with its name, if that is not there."""
        if not self.prediction:
            return None
        try:
            return cast("Multicast", EntryPoint("", self.prediction, "").load())
        except (ImportError, AttributeError) as error:
            text = f"prediction: {self.prediction} cannot be loaded ({error})"
            raise ValueError(text) from None


MULTICAST_SCHEMES = Registry(
    "multicast scheme",
    "emu.multicast_schemes",
    MulticastScheme,
    {
        name: f"emu.scenario.multicast_schemes:{name.upper().replace('-', '_')}"
        for name in (
            "mld-dmm",
            "multi-upstream",
            "rfc6224",
            "rfc7028",
            "remote-subscription",
            "bidirectional-tunnel",
            "none",
        )
    },
)
"""Those of the toolkit, and those of other packages."""


def having(key: str) -> list[str]:
    """The schemes in which a key does something."""
    return [name for name, one in MULTICAST_SCHEMES.all().items() if key in one.keys]

"""Which policies of a channel control there are: ``channel_control.policy`` names one.

A scenario's own folder may have others (`emu.scenario.policies.own`).
"""

from __future__ import annotations

from dataclasses import dataclass

from emu.extensions import Registry


@dataclass(frozen=True, kw_only=True)
class ChannelPolicy:
    """What the toolkit has to know of a policy."""

    made_by: str
    """``module:maker``: a class whose objects have ``decide`` (`agents.control.policies.Policy`),
    or a function that returns one. Whoever decides calls it with its parameters by name."""
    keys: tuple[str, ...] | None = None
    """The keys of ``channel_control`` that are its parameters; None: what stands in ``parameters``
    there, as text."""


POLICIES = Registry(
    "channel control policy",
    "emu.channel_policies",
    ChannelPolicy,
    {
        name: f"{__name__}:{name.upper()}"
        for name in ("static", "scope", "delay", "mobility", "load")
    },
)
"""Those of the toolkit, and those of other packages."""

_MODULE = "agents.control.policies"
STATIC = ChannelPolicy(made_by=f"{_MODULE}:static", keys=("default",))
SCOPE = ChannelPolicy(made_by=f"{_MODULE}:GroupScope", keys=("native_scope",))
DELAY = ChannelPolicy(made_by=f"{_MODULE}:delay_requirement", keys=("native_join", "delays"))
MOBILITY = ChannelPolicy(made_by=f"{_MODULE}:MobilityRate", keys=("handovers",))
LOAD = ChannelPolicy(made_by=f"{_MODULE}:Load", keys=("tunnelled",))

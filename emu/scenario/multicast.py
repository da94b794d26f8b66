"""The multicast part of the schema: scheme, MLD timers, channel control."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from emu.scenario.fields import Instant, PolicyName, declared, nothing_as, within
from emu.scenario.multicast_scheme import MULTICAST_SCHEMES
from emu.scenario.section import Section
from emu.scenario.units import DURATION, SIZE

MLD_DMM, MULTI_UPSTREAM = "mld-dmm", "multi-upstream"
RFC6224, RFC7028 = "rfc6224", "rfc7028"
REMOTE_SUBSCRIPTION = "remote-subscription"
BIDIRECTIONAL_TUNNEL = "bidirectional-tunnel"

Scope = Literal["local", "remote", "both"]
"""Where a channel comes from (or goes to) after a move: natively, by the tunnel, or by both."""


class ChannelControl(Section):
    """Who decides whether a channel is local, remote or both, and how."""

    at: Literal["cmd", "mcc", "mar"] = "cmd"
    """A central MCC beside the CMD, or a node of its own; or every MAR for itself (fully
    distributed)."""
    policy: PolicyName = "static"
    """One that is declared (`emu.scenario.channel_policies`), or ``file.py:ClassName``."""
    default: Scope = "remote"
    """For channels that the static policy does not list, and while the MCC does not answer."""
    timeout: Annotated[int, within(DURATION, "1ms", "32s")] = DURATION.parse("200ms")
    """How long a MAR waits for the MCC until the default holds."""
    channels: Annotated[dict[str, Scope], nothing_as(dict)] = {}
    """Set by the operator, whatever the policy."""
    native_scope: int = Field(default=14, ge=3, le=14)
    """Policy scope: groups of at least this scope are local."""
    native_join: Annotated[int, within(DURATION, "0s", "32s")] = DURATION.parse("100ms")
    """Policy delay: how long a native join takes to bring traffic."""
    delays: Annotated[dict[str, Instant], nothing_as(dict)] = {}
    """Policy delay: the interruption that each channel tolerates."""
    handovers: int = Field(default=3, ge=1, le=1000)
    """Policy mobility: how many in a minute make a fast listener."""
    tunnelled: int = Field(default=4, ge=0, le=10000)
    """Policy load: how many channels a MAR may get through tunnels."""
    parameters: Annotated[dict[str, str], nothing_as(dict)] = {}
    """Of a policy of another package, or of a user's own: its parameters, as they are written."""


class Multicast(Section):
    """The multicast scheme and its MLD timers (RFC 3810 section 9)."""

    scheme: Annotated[str, declared(MULTICAST_SCHEMES)] = "mld-dmm"
    upstream: Literal["previous", "anchors"] = "previous"
    """Of mld-dmm: ongoing sessions come from the MAR just left, or each that anchors a prefix."""
    context_transfer: Literal["off", "pbu", "cxtp"] = "off"
    """How the new MAR learns what a listener listens to; pbu unless written in multi-upstream."""
    predictive: Literal["off", "on", "bicast", "buffer"] = "off"
    """Before a handover that is announced the new MAR learns it, too, and gets the channels: to
    have them at once, to send them as well as the old one, or to keep them for the listener."""
    prediction_lifetime: Annotated[int, within(DURATION, "10ms", "1h")] = DURATION.parse("5s")
    """How long the new MAR waits for a listener that was announced."""
    buffer_size: Annotated[int, within(SIZE, "1", "1000000000")] = 1_000_000
    """Octets that are kept for one listener; the oldest packets go first."""
    explicit_tracking: bool = False
    """The last listener's leave acts at once; true unless written in multi-upstream."""
    channel_control: ChannelControl | None = None
    """Of multi-upstream only, which always has one."""
    query_interval: Annotated[int, within(DURATION, "1s", "31744s")] = DURATION.parse("125s")
    """Between general queries."""
    query_response_interval: Annotated[int, within(DURATION, "1ms", "8387s")] = DURATION.parse(
        "10s"
    )
    """Maximum response delay in general queries."""
    last_listener_query_interval: Annotated[int, within(DURATION, "1ms", "8387s")] = DURATION.parse(
        "1s"
    )
    """Maximum response delay in group-specific queries."""
    robustness: int = Field(default=2, ge=1, le=7)
    """Robustness variable: expected losses plus one."""

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_scheme(cls, value: Any) -> Any:
        scheme = value.get("scheme") if isinstance(value, dict) else None
        if scheme not in MULTICAST_SCHEMES.names():
            return value
        return {**MULTICAST_SCHEMES.find(scheme).defaults, **value}

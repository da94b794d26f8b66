"""The mobility section of a scenario: which scheme, and its timers."""

from __future__ import annotations

from typing import Annotated, Literal

from emu.scenario.fields import Key, NodeName, within
from emu.scenario.section import Section
from emu.scenario.units import DURATION

SCHEME_KEYS: dict[str, frozenset[str]] = {
    "dmm": frozenset(
        {"variant", "standby", "without_cmd", "first_attachment_timeout", "idle_release"}
    ),
    "pmipv6": frozenset(),
    "mipv6": frozenset({"route_optimisation"}),
    "client": frozenset({"security", "idle_release", "route_optimisation"}),
    "hybrid": frozenset(
        {
            "variant",
            "first_attachment_timeout",
            "home_domain",
            "foreign_domain",
            "update",
            "care_of",
            "security",
            "route_optimisation",
        }
    ),
    "none": frozenset(),
}
"""The schemes, and the keys that each of them has for itself."""
VARIANT_KEYS: dict[str, tuple[str, ...]] = {
    "first_attachment_timeout": ("distributed", "mih"),
    "without_cmd": ("relay", "locator", "proxy"),
}
"""Of the keys that go with a variant, those that not every variant has a use for."""
HOST_BASED = ("mipv6", "client")
"""The schemes in which mobile nodes do their mobility themselves, wherever they are."""


class BindingSecurity(Section):
    """What authorizes Binding Updates (HDMM paper section 4.1.1); all off: nothing does."""

    cga: bool = False
    """Home addresses are CGAs (RFC 3972), and Binding Updates signed (RFC 4866)."""
    return_routability: bool = False
    """The care-of address is tested before each Binding Update that names a new one, and the home
    address while the node is still there (RFC 6275 section 5.2)."""
    permanent_keygen_token: bool = False
    """Only the first Binding Update of a home address is signed: its acknowledgement brings a token
    for those that follow (RFC 4866). It needs ``cga``."""


class Mobility(Section):
    """The mobility scheme and its timers."""

    scheme: Literal["dmm", "pmipv6", "mipv6", "client", "hybrid", "none"] = "dmm"
    variant: Literal["relay", "locator", "proxy", "distributed", "mih"] = "proxy"
    """Who answers the serving MAR, and when: the CMD once the previous MARs have answered it; they
    themselves; the CMD at once (RFC 8885 section 3.4); or, fully distributed, there is no CMD, and
    the previous MARs answer what all MARs are asked; or the same, and announced handovers are
    prepared (IEEE 802.21), so that only they are asked. The last two need the topology
    dmm-domain."""
    standby: bool = False
    """Whether there is a second CMD, ``cmd2``, which has every binding before the first one answers
    and is asked when that does not. The variants relay, locator and proxy."""
    without_cmd: Literal["wait", "local"] = "wait"
    """What a mobile node has that comes while the CMD is dead: no service until it is answered for;
    or, after three PBUs, the prefix of the access router where it is, and no earlier one."""
    first_attachment_timeout: Annotated[int, within(DURATION, "1ms", "10s")] = DURATION.parse(
        "100ms"
    )
    """Fully distributed: how long previous MARs have to answer, until a mobile node is taken for
    new; more than a round trip between MARs. Later answers count, too."""
    binding_lifetime: Annotated[int, within(DURATION, "4s", "262140s")] = DURATION.parse("300s")
    """Lifetime asked in each Proxy Binding Update; a multiple of 4 s (RFC 6275 section 6.1.7)."""
    retransmission: Annotated[int, within(DURATION, "10ms", "32s")] = DURATION.parse("1s")
    """First retransmission timeout of a Proxy Binding Update (RFC 6275 section 12)."""
    idle_release: Annotated[int, within(DURATION, "100ms", "24h")] | None = None
    """How long no packet of an anchored prefix has passed the serving MAR until it is released: its
    last flow is over. None: when the mobile node has left. Client-based: how long no flow has used
    a home address that is not on the link, until it is given up. None: never."""
    key: Key | None = None
    """What the nodes of the domain share to authenticate their signalling (RFC 4285)."""
    security: BindingSecurity = BindingSecurity()
    route_optimisation: bool = False
    """Servers and mobile nodes that are away send to each other directly, not by the home agent
    (RFC 6275 sections 9 and 11.6; HDMM paper, footnote 5)."""
    home_domain: list[NodeName] = []
    """The access routers of the home operator, with network-based mobility management."""
    foreign_domain: list[NodeName] = []
    """Those of another operator who has it as well, with a CMD of his own; the rest has none."""
    update: Literal["all", "last"] = "all"
    """Whom a mobile node tells where it is once it is out of its home domain: each router there
    that anchors an address of its own, or only the one that served it last (paper section 4.3)."""
    care_of: Literal["keep", "update"] = "keep"
    """In ``foreign_domain``, whose network keeps a care-of address reachable: whether a mobile node
    leaves it at that, or has its home agents know the new one after each handover (footnote 6)."""

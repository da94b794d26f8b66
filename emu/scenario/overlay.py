"""The ``overlay:`` section of a scenario: multicast among end hosts, by one scheme or another."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from emu.overlay_protocols.data_paths import DataPathName
from emu.scenario.fields import Key, nothing_as, within
from emu.scenario.i3 import I3
from emu.scenario.section import Section
from emu.scenario.units import DURATION, SIZE

MEMBER = "member"
"""The role of a host that is in the overlay, and does nothing else."""


HOST = "host"
"""That of one on an island, which knows nothing of the overlay."""


AMT = "amt-gateway"
"""The scheme in which members on an island are relays, and all others gateways."""


class MemberOverlay(Section):
    """An overlay that gives its members IP multicast on a virtual interface."""

    scheme: str = Field(examples=["own"])
    """One of ``emu.overlay_protocols``, or the file of a user's own."""
    options: Annotated[dict[str, Any], nothing_as(dict)] = {}
    """Of the protocol."""
    data_path: DataPathName = "python"
    """Who carries the data: the daemon, or programs in the kernel (``bpf``)."""
    key: Key | None = None
    """What members share to encrypt all that they send; None: nothing is encrypted."""
    mtu: Annotated[int, within(SIZE, "1280", "65535")] | None = None
    """Of the virtual interface, bytes; None: what fits into one packet of the network below."""
    link_scope: bool = False
    """Whether groups of link-local scope reach all members, too."""
    query_interval: Annotated[int, within(DURATION, "1s", "30min")] = DURATION.parse("125s")
    """Between general queries (IGMP, MLD) on the virtual interface."""


OVERLAYS: dict[str, type[Section]] = {"members": MemberOverlay, "i3": I3}
"""The kinds of overlay."""


def kind_of(value: object) -> str:
    """Which of them an overlay is of, as it is written."""
    scheme = value.get("scheme") if isinstance(value, dict) else getattr(value, "scheme", None)
    return "i3" if scheme == "i3" else "members"


AnyOverlay = Annotated[
    Annotated[MemberOverlay, Tag("members")] | Annotated[I3, Tag("i3")], Discriminator(kind_of)
]

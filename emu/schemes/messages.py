"""The control messages of mobility schemes: what captures keep of them, and reports call them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Reader = Callable[[int, bytes], tuple[str, str] | None]
"""Of an upper-layer protocol's number and a packet's bytes from there on: the message's type, and
the fields worth a label; None, if it is none of the scheme's. It raises ValueError, IndexError or
struct.error if it is cut short."""


@dataclass(frozen=True)
class Messages:
    """Those of one scheme. What is read of the types that all know is in `emu.measure.packets`."""

    binding: tuple[str, ...] = ()
    """The types of those that bind a mobile node: what equations count."""
    updates: tuple[str, ...] = ()
    """Of these, by the name that the event log has: with the first one sent, by the new access
    router or by the node, its binding begins."""
    read: Reader | None = None
    """What its own are; it is asked before all others. None: it has none that others do not."""
    ports: tuple[int, ...] = ()
    """The UDP ports that it sends its own to; of all other datagrams nothing is captured."""


NONE = Messages()
"""Of a scheme without signalling."""
BY_NETWORK = Messages(binding=("PBU", "PBA"), updates=("PBU",))
"""Of the schemes that are built on Proxy Binding Updates."""
BY_NODE = Messages(("BU", "BA", "HoTI", "HoT", "CoTI", "CoT"), updates=("CoTI", "BU"))
"""Of those in which mobile nodes send Binding Updates."""
BY_BOTH = Messages((*BY_NETWORK.binding, *BY_NODE.binding), (*BY_NETWORK.updates, *BY_NODE.updates))

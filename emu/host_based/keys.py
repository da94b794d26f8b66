"""Keys of a scenario's ``mobility`` that schemes of mobile nodes have."""

from __future__ import annotations

from emu.scenario.section import Section


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


class Security(Section):
    """Where Binding Updates may be authorized."""

    security: BindingSecurity = BindingSecurity()


class RouteOptimisation(Section):
    """Where mobile nodes may have correspondents of their own kind."""

    route_optimisation: bool = False
    """Servers and mobile nodes that are away send to each other directly, not by the home agent
    (RFC 6275 sections 9 and 11.6; HDMM paper, footnote 5)."""

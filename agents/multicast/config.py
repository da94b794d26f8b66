"""The timers and counts of MLD (RFC 3810 section 9) and of forwarding, and what bounds state."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core import SECOND

LISTENERS = 4096
"""Pairs of host and group on one link, unless it is configured."""

OF_ROUTERS = {"maximum_groups": LISTENERS, "maximum_sources": LISTENERS}
"""What bounds the listeners of a router below which are proxies: each of them reports for many."""


@dataclass(frozen=True)
class ProxyConfig:
    """What an operator sets; what follows from it are properties. Times are in ns."""

    query_interval: int = 125 * SECOND
    """Between general queries (RFC 3810 section 9.2)."""
    query_response_interval: int = 10 * SECOND
    """Within it a general query is answered (section 9.3)."""
    last_listener_query_interval: int = 1 * SECOND
    """Between the queries after a leave, and within it they are answered (section 9.8)."""
    robustness: int = 2
    """Transmissions of what must not get lost (section 9.1)."""
    unsolicited_report_interval: int = 1 * SECOND
    """The longest time between transmissions of a state-change report (section 9.11)."""
    explicit_tracking: bool = False
    """Whether a leave acts at once, without a query, since every host is known (RFC 6636)."""
    maximum_groups: int = 64
    """Of one host: more than hosts use, few enough that 60 of them do not fill a link."""
    maximum_sources: int = 64
    """Of one host in one group: what Linux lets one application ask for (mld_max_msf)."""
    maximum_listeners: int = LISTENERS
    """Pairs of host and group on one link; a router may have as many groups, and sources each."""
    reserved_groups: int = 4
    """Groups that an attached host has room for, however many listeners there are on its link."""
    maximum_entries: int = 4096
    """Forwarding entries; those without listeners make room for new ones."""
    maximum_sent: int = 64
    """Channels that one host sends where hosts attach: by its prefix, whatever its addresses."""
    maximum_detours: int = 256
    """Channels of guests taken past multicast routing, each by a program; more take part in it."""
    source_lifetime: int = 210 * SECOND
    """How long a forwarding entry without listeners is kept (Keepalive_Period of RFC 7761)."""

    @property
    def newcomer_query_interval(self) -> int:
        """Between the queries to a newcomer, which has answered one before the next comes.

        Linux, asked again while it still waits with its answer, draws the delay anew.
        """
        return self.query_response_interval * 5 // 4

    @property
    def startup_query_interval(self) -> int:
        """Between the first general queries on a link (section 9.6); not below a newcomer's."""
        return max(self.query_interval // 4, self.newcomer_query_interval)

    @property
    def listener_interval(self) -> int:
        """A listener not heard for so long is gone (section 9.4: Multicast Address Listening)."""
        return self.robustness * self.query_interval + self.query_response_interval

    @property
    def other_querier_present_timeout(self) -> int:
        """A querier not heard for so long is gone (section 9.5)."""
        return self.robustness * self.query_interval + self.query_response_interval // 2

    @property
    def last_listener_query_time(self) -> int:
        """From the last listener's leave to the end of its traffic, LLQT (section 9.10)."""
        return self.robustness * self.last_listener_query_interval

    @property
    def newcomer_interval(self) -> int:
        """Within it a newcomer has answered one of the queries that it gets."""
        asking = (self.robustness - 1) * self.newcomer_query_interval
        return asking + self.query_response_interval + self.trigger_slack

    @property
    def trigger_slack(self) -> int:
        """How far a link-layer trigger and the host's reports may be off each other."""
        return self.last_listener_query_interval

    @property
    def ongoing_session_window(self) -> int:
        """A host that comes, and is queried, reports its ongoing sessions within this time."""
        return self.query_response_interval + self.trigger_slack

"""A stock DASH player on a mobile node: GStreamer's ``playbin3`` with ``dashdemux2``."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
from typing import Any

from emu.measure.run import Run
from emu.requirements import GSTREAMER
from emu.scenario.services import Origin, Player
from emu.services import live_video, playback
from emu.services.content import MANIFEST
from emu.services.kind import Kind, Metric, Place
from emu.traffic.plan import Job


class PlayerKind(Kind[Player]):
    """Plays an origin's video, and tells how that went."""

    programs = (GSTREAMER,)

    def clients(self, place: Place, t0_ns: int) -> Iterator[Job]:
        """The player."""
        service = self.service
        origin = place.scenario.services[service.origin]
        assert isinstance(origin, Origin)
        address = IPv6Address(place.address(origin.node))
        stop = place.scenario.duration if service.stop is None else service.stop
        yield place.job(
            self.name,
            service.node,
            "emu.services.gstreamer",
            uri=f"http://[{address}]/{MANIFEST}",
            buffer_ns=min(service.buffer, live_video.AHEAD * origin.segment)
            if origin.live
            else service.buffer,
            start_ns=t0_ns + service.start,
            stop_ns=t0_ns + stop,
        )

    def result(self, run: Run) -> dict[str, Any]:
        """How the video was played, and where it came from."""
        origin = run.meta["scenario"]["services"][self.service.origin]
        played = playback.describe(run, self.name)
        loaded = playback.loading(run, self.service.node, origin["bitrates"], played["played_s"])
        return {"node": self.service.node, **played, **loaded}

    @staticmethod
    def metrics(result: dict[str, Any]) -> Iterator[Metric]:
        """Start-up delay, rebuffering and bit rate."""
        for name in playback.METRICS:
            yield f"player.{name}", result[name]

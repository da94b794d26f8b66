"""A stock DASH player on a mobile node.

GStreamer's ``playbin3`` with ``dashdemux2``, or dash.js in a headless Chromium.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv6Address
from typing import Any

from emu.measure.run import Run
from emu.requirements import CHROMIUM, DASHJS, GSTREAMER
from emu.scenario.services import Origin, Player
from emu.services import live_video, playback
from emu.services.content import MANIFEST
from emu.services.kind import Kind, Metric, Place
from emu.traffic.plan import Job


class PlayerKind(Kind[Player]):
    """Plays an origin's video, and tells how that went."""

    def __init__(self, name: str, service: Player) -> None:
        super().__init__(name, service)
        self.programs = (CHROMIUM, DASHJS) if self._in_browser else (GSTREAMER,)

    @property
    def _in_browser(self) -> bool:
        return self.service.program == "dashjs"

    def servers(self, place: Place) -> Iterator[Job]:
        """The browser, which takes long to start, and would take the CPU from the run."""
        if self._in_browser:
            browser = place.job(
                self.name, self.service.node, "emu.services.browser", folder=self._folder(place)
            )
            yield replace(browser, name=f"{self.name}-browser@{self.service.node}")

    def _folder(self, place: Place) -> str:
        return str(place.scratch / f"{self.name}-browser")

    def clients(self, place: Place, t0_ns: int) -> Iterator[Job]:
        """The player."""
        service = self.service
        origin = place.scenario.services[service.origin]
        assert isinstance(origin, Origin)
        address = IPv6Address(place.address(origin.node))
        stop = place.scenario.duration if service.stop is None else service.stop
        most = live_video.AHEAD * origin.segment if origin.live else service.buffer
        config: dict[str, Any] = {
            "uri": f"http://[{address}]/{MANIFEST}",
            "buffer_ns": min(service.buffer, most),
            "start_ns": t0_ns + service.start,
            "stop_ns": t0_ns + stop,
        }
        if self._in_browser:
            config["folder"] = self._folder(place)
        yield place.job(self.name, service.node, f"emu.services.{service.program}", **config)

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

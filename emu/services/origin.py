"""A web server with a video, on a server of the scenario."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from emu.measure.run import Run
from emu.requirements import FFMPEG, NGINX
from emu.scenario.services import Origin
from emu.services import live_video, requests
from emu.services.content import Content
from emu.services.kind import Kind, Place
from emu.services.nginx import KEPT_FOR, LIVE, PORT
from emu.traffic.plan import Job

_HTTP = """
    server {{
        listen [::]:{port};
        root {folder};
        limit_rate {rate};
        keepalive_timeout {keep_alive};
        add_header Cache-Control "public, max-age={max_age}";
    }}
"""


class OriginKind(Kind[Origin]):
    """nginx with the files that ffmpeg made."""

    programs = (NGINX, FFMPEG)

    @property
    def content(self) -> Content:
        """Its video."""
        service = self.service
        return Content(service.length, service.segment, tuple(service.bitrates))

    def prepare(self, tell: Callable[[str], None]) -> None:
        """Make the video, if it was never made."""
        self.content.ensure(tell)

    def servers(self, place: Place) -> Iterator[Job]:
        """The web server."""
        scratch = place.scratch / self.name
        content, segment = self.content.folder, self.service.segment
        begin = time.monotonic_ns() - live_video.DELAY * segment
        live = {"content": str(content), "begin_ns": begin, "segment_ns": segment}
        yield place.job(
            self.name,
            self.service.node,
            "emu.services.nginx",
            configuration=_HTTP.format(
                port=PORT,
                folder=scratch / LIVE if self.service.live else content,
                rate=(self.service.rate or 0) // 8,
                keep_alive=KEPT_FOR if self.service.keep_alive else 0,
                max_age=self.service.max_age // 1_000_000_000,
            ),
            folder=str(scratch),
            live=live if self.service.live else None,
        )

    def result(self, run: Run) -> dict[str, Any]:
        """What it served."""
        return {"node": self.service.node, **requests.served(run, self.name)}

"""A live video: segments of one that was made before, given out as they would be filmed.

A manifest of the type *dynamic* (ISO/IEC 23009-1, 5.3.9.5.3 and annex A.3) tells when the video
began; a player knows by its clock which segments there are. Each appears in the folder that is
served when it has come to its end, at once and whole, and stays.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from pathlib import Path
from xml.etree import ElementTree

from emu.services.content import MANIFEST, segment_of

DELAY = 3
"""Segments that players are to stay behind what is filmed, and that there are at the beginning."""
AHEAD = DELAY - 1
"""Segments that a player can have loaded and not yet shown, at any time."""
_SECOND = 1_000_000_000
_PUBLISHING_NS = 200_000_000
"""The manifest counts on a segment so long after it may appear: publishing takes time, too."""
_NAMESPACE = "urn:mpeg:dash:schema:mpd:2011"
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"


def manifest(static: str, begin_ns: int, segment_ns: int) -> str:
    """The manifest of a video that began at a time (CLOCK_REALTIME), from that of the finished one.

    GStreamer up to 1.22, at least, knows a manifest by a start tag <MPD …> that ends within the
    first 512 bytes. With what a live one has in it more than a static one it does only without the
    location of the schema, which ffmpeg writes and nobody needs.
    """
    ElementTree.register_namespace("", _NAMESPACE)
    root = ElementTree.fromstring(static)
    root.attrib.pop(_SCHEMA_LOCATION, None)
    begin = datetime.fromtimestamp((begin_ns + _PUBLISHING_NS) / _SECOND, timezone.utc)
    root.set("type", "dynamic")
    root.set("availabilityStartTime", begin.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    root.set("suggestedPresentationDelay", f"PT{DELAY * segment_ns / _SECOND:g}S")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


class LiveVideo:
    """Gives out the video of one folder in another one; ``begin_ns`` is of CLOCK_MONOTONIC."""

    def __init__(self, content: Path, folder: Path, begin_ns: int, segment_ns: int) -> None:
        self._folder = folder
        self._begin_ns, self._segment_ns = begin_ns, segment_ns
        folder.mkdir(parents=True, exist_ok=True)
        self._waiting = []
        for path in content.iterdir():
            segment = segment_of(path.name)
            if segment is not None:
                self._waiting.append((segment[1], path))
            elif path.name != MANIFEST:
                self._give(path)
        self._waiting.sort(reverse=True)
        real = begin_ns + time.time_ns() - time.monotonic_ns()
        text = manifest((content / MANIFEST).read_text(encoding="utf-8"), real, segment_ns)
        (folder / MANIFEST).write_text(text, encoding="utf-8")

    def advance(self, now: int) -> int | None:
        """Give out what has come to its end; when there is more, None: never."""
        while self._waiting and self._end_ns(self._waiting[-1][0]) <= now:
            self._give(self._waiting.pop()[1])
        return self._end_ns(self._waiting[-1][0]) if self._waiting else None

    def _end_ns(self, number: int) -> int:
        return self._begin_ns + number * self._segment_ns

    def _give(self, path: Path) -> None:
        link = self._folder / path.name
        if not link.is_symlink():  # else by a server that was killed
            link.symlink_to(path)

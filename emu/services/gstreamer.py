"""GStreamer plays a DASH video in a host. Config:

service, node, events   names and the event log
uri                     of the manifest
buffer_ns               how far it loads ahead
start_ns, stop_ns       CLOCK_MONOTONIC

The picture is decoded, in time, and shown nowhere. Events: ``player_started`` when the manifest is
asked for, ``playing`` and ``stalled`` when the picture begins to move and stops for want of data,
``buffer`` four times a second with ``position_s`` and ``level_s`` (what is loaded and not yet
played), ``reloaded`` when nothing has moved for some seconds, for instance as an answer was cut
short, and the video is loaded anew from where the picture stands, and ``player_ended`` with a
``reason``: end, stopped, or what went wrong. An end that comes before that of the video is none:
the answer with the last segment was cut short.
"""

from __future__ import annotations

import signal
import time
from typing import Any

from agents.roles.daemon import EventLog
from emu.traffic.process import prepare, release_signals, wait_until

_STEP_MS = 250
_MOST_S = 3600.0
_LAST_NS = 500_000_000
"""The last picture is shown at most so long before the end."""
_PATIENCE_NS = 3_000_000_000
"""For how long neither picture nor buffer may move, until what was loaded is loaded anew."""


class Playback:
    """One video, played once. ``Gst`` and ``GLib`` are GStreamer's modules."""

    def __init__(self, Gst: Any, GLib: Any, config: dict[str, Any]) -> None:
        self._gst, self._glib = Gst, GLib
        self._service = config["service"]
        self._log = EventLog(config["events"], config["node"])
        self._buffer_ns = config["buffer_ns"]
        self._loop = GLib.MainLoop()
        self._reason = "stopped"
        self._moving = False
        self._progress: tuple[float | None, float] | None = None
        self._since = 0
        self._demux: Any = None
        self._player = Gst.ElementFactory.make("playbin3")
        sink = Gst.ElementFactory.make("fakesink")
        sink.set_property("sync", True)
        self._player.set_property("video-sink", sink)
        self._player.set_property("uri", config["uri"])
        self._player.connect("deep-element-added", self._added)
        bus = self._player.get_bus()
        bus.add_signal_watch()
        bus.connect("message", self._told)

    def play(self, stop_ns: int) -> None:
        """Until the video ends, the time is over or SIGTERM comes."""
        glib = self._glib
        glib.unix_signal_add(glib.PRIORITY_HIGH, signal.SIGTERM, self._loop.quit)
        glib.timeout_add(max(0, stop_ns - time.monotonic_ns()) // 1_000_000, self._loop.quit)
        glib.timeout_add(_STEP_MS, self._measure)
        self._write("player_started")
        self._player.set_state(self._gst.State.PLAYING)
        self._loop.run()
        self._write("player_ended", reason=self._reason)
        self._player.set_state(self._gst.State.NULL)

    def _added(self, _bin: Any, _parent: Any, element: Any) -> None:
        factory = element.get_factory()
        if factory is not None and factory.get_name() == "dashdemux2":
            element.set_property("max-buffering-time", self._buffer_ns)
            self._demux = element

    def _told(self, _bus: Any, message: Any) -> None:
        kinds, state = self._gst.MessageType, self._gst.State
        if message.type == kinds.EOS:
            if self._is_over():
                self._end("end")
            else:
                self._changed(moving=False)
        elif message.type == kinds.ERROR:
            error, _ = message.parse_error()
            self._end(error.message)
        elif message.type == kinds.BUFFERING:
            full = message.parse_buffering() >= 100
            self._player.set_state(state.PLAYING if full else state.PAUSED)
        elif message.type == kinds.STATE_CHANGED and message.src == self._player:
            self._changed(message.parse_state_changed().newstate == state.PLAYING)

    def _is_over(self) -> bool:
        """Whether the last picture of the video, and not of what was loaded, has been shown."""
        time_format = self._gst.Format.TIME
        is_known, position = self._player.query_position(time_format)
        has_end, duration = self._player.query_duration(time_format)
        return not (is_known and has_end) or position >= duration - _LAST_NS

    def _changed(self, moving: bool) -> None:
        if moving != self._moving:
            self._moving = moving
            self._write("playing" if moving else "stalled", position_s=self._position())

    def _measure(self) -> bool:
        if self._demux is not None:
            level = self._demux.get_property("current-level-time-video") / 1e9
            known = level if level < _MOST_S else None
            position = self._position()
            self._write("buffer", position_s=position, level_s=known)
            self._watch(position, level)
        return True

    def _watch(self, position: float | None, level: float) -> None:
        """Load anew from where the picture stands when nothing has moved for long."""
        now = time.monotonic_ns()
        if (position, level) != self._progress:
            self._progress, self._since = (position, level), now
        elif now - self._since > _PATIENCE_NS:
            self._since = now
            self._write("reloaded", position_s=position)
            flags = self._gst.SeekFlags
            self._player.seek_simple(
                self._gst.Format.TIME, flags.FLUSH | flags.ACCURATE, round((position or 0) * 1e9)
            )

    def _position(self) -> float | None:
        known, position = self._player.query_position(self._gst.Format.TIME)
        return position / 1e9 if known else None

    def _end(self, reason: str) -> None:
        self._reason = reason
        self._loop.quit()

    def _write(self, kind: str, **fields: Any) -> None:
        self._log.write(kind, service=self._service, **fields)


def main(config: dict[str, Any]) -> None:
    """Play from start to stop."""
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import GLib, Gst

    Gst.init(None)
    playback = Playback(Gst, GLib, config)
    prepare()
    if wait_until(config["start_ns"]) == signal.SIGTERM:
        return
    release_signals()
    playback.play(config["stop_ns"])

"""RTP by GStreamer in a host: speech from a file one way; what comes is decoded, and heard by none.

Both ways use one socket, which is bound to an address. It outlives every loss of a link or a route:
what cannot be sent is lost, and the stream goes on.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from agents.kernel.scheduling import SOURCE, make_realtime
from emu.voice.audio import FRAME, FRAME_NS, RATE

PAYLOAD_TYPE = 8
"""PCMA (RFC 3551)."""
_SPEAKER = "speaker"
_SPEAKING = (
    f"filesrc name=speech blocksize={FRAME} ! rawaudioparse name={_SPEAKER} use-sink-caps=false "
    f"format=alaw sample-rate={RATE} num-channels=1 ! "
    f"rtppcmapay min-ptime={FRAME_NS} max-ptime={FRAME_NS} ! "
    "udpsink name=network auto-multicast=false close-socket=false"
)
_LISTENING = (
    f'udpsrc name=network close-socket=false caps="application/x-rtp,media=audio,'
    f'clock-rate={RATE},encoding-name=PCMA,payload={PAYLOAD_TYPE}" ! rtpjitterbuffer latency=60 ! '
    "rtppcmadepay ! alawdec ! fakesink sync=true"
)


def load() -> tuple[Any, Any]:
    """GLib's input and output, and GStreamer: modules that only who plays media must have."""
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gio, Gst

    Gst.init(None)
    return Gio, Gst


class VoiceStream:
    """One end of a call's voice: it listens from now on, and speaks when it is told to whom.

    OSError if the port is taken.
    """

    def __init__(self, address: str, port: int, speech: Path) -> None:
        Gio, Gst = load()
        self._states = Gst.State
        self._port = port
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as bound:
            bound.bind((address, port))
            self._socket = Gio.Socket.new_from_fd(bound.detach())
        self._listening = self._pipeline(Gst, _LISTENING)
        self._speaking = self._pipeline(Gst, _SPEAKING)
        self._speaking.get_by_name("speech").set_property("location", str(speech))
        self._listening.set_state(self._states.PLAYING)
        self._speaking.set_state(self._states.PAUSED)  # ready, so that it begins at once

    def _pipeline(self, Gst: Any, description: str) -> Any:
        pipeline = Gst.parse_launch(description)
        pipeline.get_by_name("network").set_property("socket", self._socket)
        pipeline.get_bus().set_flushing(True)  # nobody reads what it says
        return pipeline

    def speak(self, peer: str) -> None:
        """Send the speech, from its beginning, to the same port of an address."""
        network = self._speaking.get_by_name("network")
        network.set_property("host", peer)
        network.set_property("port", self._port)
        _be_in_time()
        self._speaking.set_state(self._states.PLAYING)

    def be_silent(self) -> None:
        """Speak no more."""
        self._speaking.set_state(self._states.NULL)

    def close(self) -> None:
        """End it."""
        self.be_silent()
        self._listening.set_state(self._states.NULL)
        self._socket.close()


def _be_in_time() -> None:
    """Have the thread that speaks, which has the name of its element, run as a source does."""
    for task in Path("/proc/self/task").iterdir():
        if (task / "comm").read_text(encoding="ascii").startswith(f"{_SPEAKER}:"):
            make_realtime(int(task.name), SOURCE)

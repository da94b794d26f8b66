"""An AMT relay as users start it, and a host on the native link beside it."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from emu.overlay_file import status_path
from tests.event_log import read_events
from tests.kernel.overlay_hosts import ROOT, Host
from tests.namespaces import Namespaces
from tests.patience import eventually

SOURCE_V4, SOURCE_V6 = "198.51.100.2", "2001:db8:99::2"
CHANNELS = [
    ("239.1.1.1", None),
    ("232.1.1.1", SOURCE_V4),
    ("ff0e::101", None),
    ("ff3e::101", SOURCE_V6),
]


class Source(Host):
    """A host on the native link, and nothing but ordinary sockets on it."""

    def __init__(self, namespaces: Namespaces, relay: Host) -> None:
        self.namespace, self.interface = namespaces.new(), "eth0"
        namespaces.link(self.namespace, "eth0", relay.namespace, "native")
        for namespace, name, last in ((self.namespace, "eth0", 2), (relay.namespace, "native", 1)):
            namespace.run("ip", "address", "add", f"198.51.100.{last}/24", "dev", name)
            namespace.add_address(name, f"2001:db8:99::{last}/64")
        # What the kernel is told of path MTUs it keeps beside the route.
        self.namespace.run("ip", "route", "add", "224.0.0.0/4", "dev", "eth0")


class Relay:
    """`emu overlay` as a relay on a host."""

    def __init__(self, host: Host, folder: Path, **options: Any) -> None:
        self.host = host
        self._config, self._log = folder / "relay.yaml", folder / "relay.log"
        config = {
            "protocol": "amt-relay",
            "name": "relay",
            "native": "native",
            "addresses": ["10.0.1.2", "2001:db8:1::2"],
            "query_interval": "2s",
            **options,
        }
        self._config.write_text(json.dumps(config), encoding="utf-8")
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "emu", "overlay", str(self._config)]
        with self._log.open("w", encoding="utf-8") as errors:
            self.process = self.host.namespace.spawn(command, cwd=ROOT, stderr=errors)
        eventually(lambda: "ready" in self._said() or self.process.poll() is not None)
        assert self.process.poll() is None, self._said()

    def _said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def status(self):
        with self.host.namespace, socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(status_path("amt-relay-native")))
            return json.loads(b"".join(iter(lambda: asking.recv(1 << 16), b"")))

    def log(self) -> list[dict[str, Any]]:
        return read_events(self._log)

    def joined(self, group: str) -> bool:
        """Whether the kernel is a member on the native link."""
        shown = self.host.namespace.run("ip", "maddress", "show", "dev", "native").stdout
        return f" {group}\n" in shown

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

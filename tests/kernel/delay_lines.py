"""A delay line between two namespaces, for tests."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from agents.kernel.netlink import set_sysctl
from tests.namespaces import Namespace, Namespaces
from tests.patience import PATIENCE_S

MILLISECOND = 1_000_000


def quality(delay_ms: float = 0, jitter_ms: float = 0, loss: float = 0) -> dict[str, Any]:
    """What the configuration says of one direction."""
    delay, jitter = int(delay_ms * MILLISECOND), int(jitter_ms * MILLISECOND)
    return {"delay": delay, "jitter": jitter, "loss": loss}


class Line:
    """A running delay line whose links join left hosts to right ones, each by its ``eth0``.

    Link n has 2001:db8:n::1 on the left and 2001:db8:n::2 on the right. A silent one has no IPv6:
    its hosts send nothing of their own.
    """

    def __init__(
        self,
        namespaces: Namespaces,
        directory: Path,
        qualities: list[tuple[Any, Any]],
        *,
        seed: int = 1,
        silent: bool = False,
    ) -> None:
        self.namespace = namespaces.new()
        self.left: list[Namespace] = []
        self.right: list[Namespace] = []
        links = []
        for number, (a_to_b, b_to_a) in enumerate(qualities):
            a, b = f"a{number}", f"b{number}"
            for end, (hosts, inner) in enumerate(((self.left, a), (self.right, b)), 1):
                hosts.append(namespaces.new())
                with hosts[-1]:
                    set_sysctl("net/ipv6/conf/default/disable_ipv6", int(silent))
                addresses = () if silent else (f"2001:db8:{number:x}::{end}/64",)
                namespaces.link(hosts[-1], "eth0", self.namespace, inner, *addresses)
            links.append({"a": a, "b": b, "a_to_b": a_to_b, "b_to_a": b_to_a})
        config = directory / "delay-line.json"
        config.write_text(json.dumps({"seed": seed, "links": links}), encoding="utf-8")
        command = [sys.executable, "-m", "emu.network.delay_line", str(config)]
        self.process = self.namespace.spawn(command, stdout=subprocess.PIPE)
        namespaces.callback(self._end)
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline()) == {"event": "ready"}

    def stop(self) -> dict[str, dict[str, Any]]:
        """End the line and return its statistics by direction, such as ``a0>b0``."""
        self.process.send_signal(signal.SIGTERM)
        output, _ = self.process.communicate(timeout=PATIENCE_S)
        stopped = json.loads(output)
        assert stopped["event"] == "stopped"
        return {entry["direction"]: entry for entry in stopped["directions"]}

    def _end(self) -> None:
        self.process.kill()
        self.process.communicate()

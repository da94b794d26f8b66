"""What a machine must have for a run, by the standard library alone."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MODULES = (
    "click",
    "dask",
    "distributed",
    "dns",
    "eventlet",
    "jinja2",
    "matplotlib",
    "mininet",
    "networkx",
    "numpy",
    "os_ken",
    "pandas",
    "pyarrow",
    "pydantic",
    "pyroute2",
    "rich",
    "scapy",
    "scipy",
    "tornado",
    "yaml",
)
"""Python packages, as they are imported; ``make setup`` installs them."""


LAB_MODULES = ("mininet",)
"""Of these, what only labs need; no package index has it, distributions do."""

OVERLAY_MODULES = ("click", "cryptography", "pydantic", "rich", "yaml")
"""All that a member of an overlay needs: it is a program for any machine."""
I3_MODULES = ("click", "pydantic", "rich", "yaml")
"""All that an i3 server or client needs: likewise."""


def search_path() -> str:
    """The PATH, and after it the sbin directories, which some users' PATH does not have."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


def missing_modules(command: str = "") -> list[str]:
    """Those for a command of emu (or any) that this Python does not find."""
    needed = {"overlay": OVERLAY_MODULES, "i3": I3_MODULES}.get(command, MODULES)
    return [name for name in needed if importlib.util.find_spec(name) is None]


@dataclass(frozen=True)
class Program:
    """A program on the PATH, and the Debian and Ubuntu package that has it."""

    name: str
    package: str
    purpose: str
    needed: bool = True
    """Whether no run can do without it."""

    @property
    def path(self) -> str | None:
        """Where it is; None when it is not installed."""
        return shutil.which(self.name, path=search_path())

    @property
    def remedy(self) -> str:
        """What installs it."""
        return f"sudo apt-get install {self.package}"


@dataclass(frozen=True)
class Script(Program):
    """A file that set-up puts beside this Python, from elsewhere than a distribution."""

    @property
    def path(self) -> str | None:
        """Where it is; None when it is not installed."""
        path = Path(sys.prefix) / "share" / "emu" / self.package
        return str(path) if path.exists() else None

    @property
    def remedy(self) -> str:
        """What installs it."""
        return "make setup-demo"


IPERF3 = Program("iperf3", "iperf3", "iperf3 traffic", needed=False)
NGINX = Program("nginx", "nginx-light", "web origins and caches", needed=False)
FFMPEG = Program("ffmpeg", "ffmpeg", "the video of an origin", needed=False)
GSTREAMER = Program(
    "gst-launch-1.0",
    "gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-libav python3-gi gir1.2-gstreamer-1.0",
    "players of video",
    needed=False,
)
CHROMIUM = Program("chromium", "chromium", "players in a browser", needed=False)
DASHJS = Script("dash.js", "dash.all.min.js", "players in a browser", needed=False)
SIPP = Program("sipp", "sip-tester", "calls", needed=False)
PROGRAMS = (
    Program("ip", "iproute2", "links and namespaces"),
    Program("mnexec", "mininet", "Mininet's hosts"),
    Program("ifconfig", "net-tools", "Mininet's links"),
    Program("ovs-vswitchd", "openvswitch-switch", "the radio switch"),
    Program("ovsdb-server", "openvswitch-switch", "the radio switch"),
    Program("ovsdb-tool", "openvswitch-switch", "the radio switch"),
    Program("ovs-vsctl", "openvswitch-switch", "the radio switch"),
    IPERF3,
    NGINX,
    FFMPEG,
    GSTREAMER,
    CHROMIUM,
    DASHJS,
    SIPP,
    Program("ping", "iputils-ping", "ping in emu shell", needed=False),
    Program("tcpdump", "tcpdump", "captures in emu shell", needed=False),
    Program("tshark", "tshark", "reading captures back", needed=False),
)


def missing_programs(wanted: Iterable[Program]) -> list[str]:
    """One line for each package that is not installed: its programs and what installs it."""
    lacking: dict[str, list[Program]] = {}
    for program in dict.fromkeys(wanted):  # several services may need one
        if program.path is None:
            lacking.setdefault(program.package, []).append(program)
    return [
        f"{', '.join(program.name for program in programs)} ({programs[0].purpose}): "
        f"{programs[0].remedy}"
        for programs in lacking.values()
    ]

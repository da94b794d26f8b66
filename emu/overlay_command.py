"""``emu overlay``: a member of an overlay in the foreground, and what those here have to tell."""

from __future__ import annotations

import errno
import json
import socket
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.roles.amt_relay_daemon import AmtRelayDaemon, RelayOptions
from agents.roles.overlay import OverlayDaemon
from emu.amt_relay_file import is_relay, load_relay
from emu.overlay_file import RUN, load, reloading, status_path
from emu.show.overlay import show_member

_WAIT_S = 5.0


class Unable(Exception):
    """The command cannot be done; the text says why, and what would help."""


def be_member(path: Path) -> None:
    """Serve until told to stop; raises ``ScenarioError`` for a file that cannot be used."""
    if is_relay(path):
        _be_relay(path)
        return
    options = load(path)
    try:
        daemon = OverlayDaemon(options, reloading(path, _complain))
    except OSError as error:
        raise Unable(f"{path}: {_reason(error, options.interface, options.port)}") from None
    daemon.run()


def _be_relay(path: Path) -> None:
    options = load_relay(path)
    try:
        daemon = AmtRelayDaemon(options)
    except OSError as error:
        raise Unable(f"{path}: {_relay_reason(error, options)}") from None
    daemon.run()


def show_status(console: Console) -> None:
    """Show every member that runs in this network namespace."""
    statuses = [
        status for path in sorted(RUN.glob(status_path("*").name)) if (status := _ask(path))
    ]
    if not statuses:
        raise Unable("no overlay runs here; emu overlay CONFIG starts one")
    for status in statuses:
        show_member(console, status)


def _ask(path: Path) -> dict[str, Any] | None:
    """The status that a member tells; None: it does not run any more."""
    try:
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(_WAIT_S)
            asking.connect(str(path))
            octets = b"".join(iter(lambda: asking.recv(1 << 16), b""))
    except OSError:
        return None
    status: dict[str, Any] = json.loads(octets)
    return status


def _complain(problem: str) -> None:
    print(problem, file=sys.stderr, flush=True)


def _reason(error: OSError, interface: str, port: int) -> str:
    """What the kernel did not let us do."""
    if error.errno == errno.EADDRINUSE:
        return f"UDP port {port} is in use; write another port, or stop what uses it"
    if error.errno == errno.EBUSY:
        return f"interface {interface} exists already; write another name, or stop what uses it"
    if error.errno in (errno.ENOENT, errno.ENODEV):
        return "this kernel has no /dev/net/tun; load the module tun"
    return f"{interface}: {(error.strerror or str(error)).lower()}"


def _relay_reason(error: OSError, options: RelayOptions) -> str:
    """The same of a relay."""
    if error.errno == errno.EADDRNOTAVAIL:
        return "an address is not one of this host; write in addresses and discovery those it has"
    if error.errno == errno.ENODEV:
        return f"interface {options.interface} does not exist; write another name in native"
    return _reason(error, options.interface, options.port)

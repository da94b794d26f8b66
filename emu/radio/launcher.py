"""Runs the radio application: ``python -m emu.radio.launcher PORT SOCKET_FD``.

It does what ``ryu-manager`` (``osken-manager``) does, without their REST server: half a second
less.
"""

from __future__ import annotations

import logging
import sys

from agents.kernel.scheduling import AGENT, be_realtime
from emu.radio import framework

HOST = "127.0.0.1"


def main() -> None:
    """Serve OpenFlow on the port, and the conductor on the inherited socket, until that closes."""
    be_realtime(AGENT)
    framework.hub.patch()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    port, descriptor = int(sys.argv[1]), int(sys.argv[2])
    options = ["--ofp-listen-host", HOST, "--ofp-tcp-listen-port", str(port)]
    framework.module("cfg").CONF(args=options, project="emu")
    manager = framework.app_manager.AppManager.get_instance()
    manager.load_apps(["emu.radio.app"])
    services = manager.instantiate_apps(**manager.create_contexts())
    framework.app_manager.lookup_service_brick("Radio").serve(descriptor, port)
    framework.hub.joinall(services)


if __name__ == "__main__":
    main()

"""The source of a group on i3: an application of the client that founds it. Config:

node, flow          names, for the event log
flow_id             number in the payload header
application         path of the client's socket
packet, interval_ns, start_ns, stop_ns, sent, events    as of ``emu.traffic.source``
"""

from __future__ import annotations

import signal
from typing import Any

from agents.kernel.scheduling import SOURCE, be_realtime
from agents.roles.daemon import EventLog
from emu.traffic.arrivals import ArrivalsWriter
from emu.traffic.i3_application import Application
from emu.traffic.process import prepare, wait_until
from emu.traffic.source import send_stream


def main(config: dict[str, Any]) -> None:
    """Found the group at once, and send from start_ns to stop_ns."""
    prepare()
    be_realtime(SOURCE)
    flow, events = config["flow"], EventLog(config["events"], config["node"])
    application = Application(config["application"])
    application.connect()
    if wait_until(config["start_ns"]) == signal.SIGTERM:
        return
    events.write("flow_started", flow=flow, local=config["node"], remote="i3")
    writer = ArrivalsWriter(config["sent"])
    errors = send_stream(application, config, writer)
    writer.close()
    events.write("flow_stopped", flow=flow, sent=writer.rows, errors=errors)
    wait_until(config["stop_ns"] + config["linger_ns"])
    application.close()

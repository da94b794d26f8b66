"""A receiver of a group on i3: an application of a client. Config:

    node, flow          names, for the event log
    flow_id             of the source
    application         path of the client's socket
    start_ns, stop_ns   CLOCK_MONOTONIC; when to join and to leave
    linger_ns           keeps on receiving for so long before it leaves at stop_ns
    arrivals            path of the (sequence, sent_ns, received_ns) rows
    events              path of the event log

Events: ``joined{flow, group, source, local}`` and ``left{flow, received}``.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from typing import Any

from agents.roles.daemon import EventLog
from emu.traffic import payload
from emu.traffic.arrivals import ArrivalsWriter
from emu.traffic.i3_application import Application
from emu.traffic.process import prepare, wait_until

_AGAIN_MS = 100
"""Between two attempts to reach a client that is not there."""
_LARGEST = 65_536


class Receiver(threading.Thread):
    """Writes down what arrives, until ``stop()``; connects again when the client has died."""

    def __init__(self, application: Application, flow_id: int, writer: ArrivalsWriter) -> None:
        super().__init__(daemon=True)
        self._application = application
        self._flow_id = flow_id
        self._writer = writer
        self._wake = os.eventfd(0)

    def run(self) -> None:
        """Record arrivals until woken."""
        while True:
            connection = self._application.connect()
            poll = select.poll()
            poll.register(self._wake, select.POLLIN)
            if connection is not None:
                poll.register(connection, select.POLLIN)
            ready = [at for at, _ in poll.poll(_AGAIN_MS if connection is None else None)]
            if self._wake in ready:
                return
            if connection is not None:
                self._take(connection.recv(_LARGEST))

    def stop(self) -> None:
        """End the thread, leave the group, and flush."""
        os.eventfd_write(self._wake, 1)
        self.join()
        self._application.close()
        self._writer.close()

    def _take(self, data: bytes) -> None:
        now = time.monotonic_ns()
        header = payload.decode(data)
        if not data:
            self._application.close()
        elif header is not None and header.flow_id == self._flow_id:
            self._writer.append(header.sequence, header.sent_ns, now)


def main(config: dict[str, Any]) -> None:
    """Join, record what arrives, leave."""
    prepare()
    flow, events = config["flow"], EventLog(config["events"], config["node"])
    if wait_until(config["start_ns"]) == signal.SIGTERM:
        return
    writer = ArrivalsWriter(config["arrivals"])
    receiver = Receiver(Application(config["application"]), config["flow_id"], writer)
    events.write("joined", flow=flow, group="i3", source=None, local=config["node"])
    receiver.start()
    wait_until(config["stop_ns"] + config["linger_ns"])
    receiver.stop()
    events.write("left", flow=flow, received=writer.rows)

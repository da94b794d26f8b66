"""SIPp in a host, one end of a call. Config:

service, node, events   names and the event log
role                    caller or callee
remote                  the callee's address, of either end
port                    of SIP at both ends; RTP has one of the next few
speech_seed             of what this end says
folder                  for what SIPp reads and says
start_ns, stop_ns       of the caller, CLOCK_MONOTONIC: when it calls and hangs up

The caller takes the address that its kernel prefers towards the callee when it calls, and keeps it.
Events: ``service_ready`` of the callee; of the caller ``call_started`` with its ``address`` and
``call_ended`` with a ``reason``, None when both have hung up.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from agents.roles.daemon import EventLog
from emu.services import sip_scenarios
from emu.traffic.address import wait_for_preferred
from emu.traffic.process import prepare, release_signals, run_until, wait_until
from emu.voice import audio

RTP_OFFSET = 2
"""From the port of SIP to that of RTP."""
_SPEECH_S = 30
_LAST_MESSAGES_NS = 1_000_000_000
"""How long hanging up may take."""
_LOOK_NS = 10_000_000
_PORTS = Path("/proc/self/net/udp6")


class End:
    """One end of a call: SIPp, its files, and what is logged of it."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._config = config
        self._folder = Path(config["folder"])
        self._folder.mkdir(parents=True, exist_ok=True)
        self._name = f"{config['service']}.{config['role']}"
        self._log = EventLog(config["events"], config["node"])

    def call(self) -> None:
        """Be the caller."""
        config = self._config
        if wait_until(config["start_ns"]) == signal.SIGTERM:
            return
        address = wait_for_preferred(config["remote"], config["stop_ns"])
        if address is None:
            self._write("call_ended", reason="it had no address")
            return
        self._write("call_started", address=address)
        left = max(0, config["stop_ns"] - time.monotonic_ns())
        scenario = sip_scenarios.caller(self._speech(), left // 1_000_000)
        destination = f"[{config['remote']}]:{config['port']}"
        command = [*self._command(scenario, address), "-m", "1", destination]
        deadline = config["stop_ns"] + _LAST_MESSAGES_NS
        with self._output().open("wb") as output:
            status = run_until(deadline, command, **self._options(output))
        if time.monotonic_ns() >= deadline:
            self._write("call_ended", reason="the callee did not answer")
        else:
            self._write("call_ended", reason=None if status == 0 else self._why(status))

    def answer(self) -> None:
        """Be the callee, until told to end."""
        command = self._command(sip_scenarios.callee(self._speech()), self._config["remote"])
        with self._output().open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                preexec_fn=release_signals,
                **self._options(output),
            )
            while not self._listens() and process.poll() is None:
                wait_until(time.monotonic_ns() + _LOOK_NS)
            if process.poll() is None:
                self._write("service_ready")
            while process.poll() is None:
                if wait_until(None, also=(signal.SIGCHLD,)) == signal.SIGTERM:
                    process.terminate()
                    process.wait()
                    return
        sys.exit(self._why(process.returncode))

    def _write(self, kind: str, **fields: Any) -> None:
        self._log.write(kind, service=self._config["service"], **fields)

    def _speech(self) -> Path:
        """What it says, as SIPp streams it."""
        path = self._folder / f"{self._name}.alaw"
        path.write_bytes(audio.a_law(audio.speech(_SPEECH_S, self._config["speech_seed"])))
        return path

    def _command(self, scenario: str, address: str) -> list[str]:
        """SIPp with a scenario, all of whose packets go from and to an address of the host's."""
        path = self._folder / f"{self._name}.xml"
        path.write_text(scenario, encoding="utf-8")
        port = self._config["port"]
        command = ["sipp", "-sf", path.name, "-nostdin", "-trace_err", "-error_file"]
        command += [self._errors().name, "-bind_local", "-i", address, "-p", str(port)]
        return [*command, "-mi", address, "-mp", str(port + RTP_OFFSET)]

    def _options(self, output: Any) -> dict[str, Any]:
        # SIPp draws its statistics, and would not start for want of a terminal's name.
        return {
            "stdout": output,
            "stderr": subprocess.STDOUT,
            "cwd": self._folder,
            "env": {**os.environ, "TERM": "dumb"},
        }

    def _output(self) -> Path:
        return self._folder / f"{self._name}.log"

    def _errors(self) -> Path:
        return self._folder / f"{self._name}.errors"

    def _listens(self) -> bool:
        """Whether the port of SIP is taken."""
        wanted = f":{self._config['port']:04X}"
        lines = _PORTS.read_text(encoding="ascii").splitlines()[1:]
        return any(line.split()[1].endswith(wanted) for line in lines)

    def _why(self, status: int) -> str:
        """The last thing that SIPp complained about."""
        errors = self._errors()
        text = errors.read_text(encoding="utf-8", errors="replace") if errors.exists() else ""
        lines = [line for line in text.splitlines() if line.strip()]
        return lines[-1].partition(": ")[2] or lines[-1] if lines else f"SIPp's status {status}"


def main(config: dict[str, Any]) -> None:
    """Be one end of a call."""
    prepare()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    end = End(config)
    end.call() if config["role"] == "caller" else end.answer()

"""One end of a call in a host: SIPp for SIP, GStreamer for RTP. Config:

service, node, events   names and the event log
role                    caller or callee
remote                  the callee's address, of either end
port                    of SIP at both ends; RTP has ``RTP_OFFSET`` more
speech_seeds            of the callee: of what each end says
folder                  for what SIPp and both ends read and say
start_ns, stop_ns       CLOCK_MONOTONIC: when the caller calls and hangs up

The caller takes the address that its kernel prefers towards the callee when it calls, and keeps it.
Events: ``service_ready`` of the callee; of the caller ``call_started`` with its ``address`` and
``call_ended`` with a ``reason``, None when both have hung up; not if it was told to end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from agents.kernel.scheduling import SOURCE, be_realtime, make_realtime
from agents.roles.daemon import EventLog
from emu.services import sip_scenarios, voice_stream
from emu.services.sip_scenarios import Media
from emu.services.voice_stream import VoiceStream
from emu.traffic.address import wait_for_preferred
from emu.traffic.process import prepare, release_signals, wait_until
from emu.voice import audio

RTP_OFFSET = 2
_UNUSED_OFFSET = 4
"""SIPp takes a port for media of its own, too."""
_SPEECH_S = 30
"""What is said is said again after so long."""
_LAST_MESSAGES_NS = 4_000_000_000
"""How long hanging up may take: three messages may be lost (RFC 3261 section 17.1.2.1)."""
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
        self._deadline: int | None = None
        """When to give the other end up."""

    def call(self) -> None:
        """Be the caller."""
        be_realtime(SOURCE)
        config = self._config
        if wait_until(config["start_ns"]) == signal.SIGTERM:
            return
        address = wait_for_preferred(config["remote"], config["stop_ns"])
        if address is None:
            self._write("call_ended", reason="it had no address")
            return
        voice = self._voice(address)
        self._write("call_started", address=address)
        lasts = max(0, config["stop_ns"] - time.monotonic_ns())
        scenario = sip_scenarios.caller(self._media(), lasts // 1_000_000)
        destination = f"[{config['remote']}]:{config['port']}"
        self._deadline = config["stop_ns"]
        with self._sipp(scenario, address, "-m", "1", destination) as process:
            status = self._follow(process, voice, lasts + _LAST_MESSAGES_NS)
        if status is not None:
            self._write("call_ended", reason=None if status == 0 else self._why(status))
        elif time.monotonic_ns() >= self._deadline:
            asked = "hang up" if self._deadline > config["stop_ns"] else "answer"
            self._write("call_ended", reason=f"the callee did not {asked}")

    def answer(self) -> None:
        """Be the callee, until told to end.

        It writes what the caller says, too: who calls has to be ready at a time.
        """
        for role, seed in self._config["speech_seeds"].items():
            self._write_speech(role, seed)
        be_realtime(SOURCE)
        address = self._config["remote"]
        voice = self._voice(address)
        with self._sipp(sip_scenarios.callee(self._media()), address) as process:
            self._write_when_ready(process)
            status = self._follow(process, voice)
        if status is not None:
            sys.exit(self._why(status))

    def _write_when_ready(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until SIPp has taken its port, and say so; or until it ends."""
        while process.poll() is None and not self._listens():
            if wait_until(time.monotonic_ns() + _LOOK_NS) == signal.SIGTERM:
                process.terminate()
        if process.poll() is None:
            self._write("service_ready")

    def _follow(
        self, process: subprocess.Popen[bytes], voice: VoiceStream, lasts_ns: int | None = None
    ) -> int | None:
        """Speak when SIPp says so, until it ends; its status, None if it had to be ended.

        That is at the deadline, which is ``lasts_ns`` away from the answer on, or on SIGTERM.
        """
        while process.poll() is None:
            came = wait_until(self._deadline, also=(signal.SIGCHLD,))
            if came == signal.SIGUSR1:
                voice.speak(self._peer().read_text(encoding="ascii").strip())
                if lasts_ns is not None:
                    self._deadline = time.monotonic_ns() + lasts_ns
            elif came == signal.SIGUSR2:
                voice.be_silent()
            elif came in (None, signal.SIGTERM):
                process.terminate()
                process.wait()
                voice.close()
                return None
        voice.close()
        return process.returncode

    def _write_speech(self, role: str, seed: int) -> None:
        """Write what an end says, enough of it."""
        once = audio.a_law(audio.speech(_SPEECH_S, seed))
        seconds = (self._config["stop_ns"] - self._config["start_ns"]) // 1_000_000_000
        self._speech(role).write_bytes(once * (seconds // _SPEECH_S + 2))

    def _voice(self, address: str) -> VoiceStream:
        port = self._config["port"] + RTP_OFFSET
        try:
            return VoiceStream(address, port, self._speech(self._config["role"]))
        except OSError as error:
            sys.exit(f"[{address}]:{port} is not free for RTP: {error.strerror}")

    def _media(self) -> Media:
        return Media(self._config["port"] + RTP_OFFSET, os.getpid(), self._peer())

    def _write(self, kind: str, **fields: Any) -> None:
        self._log.write(kind, service=self._config["service"], **fields)

    def _sipp(self, scenario: str, address: str, *arguments: str) -> subprocess.Popen[bytes]:
        """SIPp with a scenario, all of whose packets go from and to an address of the host's."""
        path = self._folder / f"{self._name}.xml"
        path.write_text(scenario, encoding="utf-8")
        port = self._config["port"]
        command = ["sipp", "-sf", path.name, "-nostdin", "-trace_err", "-error_file"]
        command += [self._errors().name, "-bind_local", "-i", address, "-p", str(port)]
        command += ["-mi", address, "-mp", str(port + _UNUSED_OFFSET), *arguments]
        with (self._folder / f"{self._name}.log").open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self._folder,
                # It draws its statistics, and would not start for want of a terminal's name.
                env={**os.environ, "TERM": "dumb"},
                preexec_fn=release_signals,
            )
        make_realtime(process.pid, SOURCE)  # how soon it answers is measured
        return process

    def _speech(self, role: str) -> Path:
        return self._folder / f"{self._config['service']}.{role}.alaw"

    def _peer(self) -> Path:
        """Where SIPp says who the other end is."""
        return self._folder / f"{self._name}.peer"

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
    voice_stream.load()
    prepare()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    end = End(config)
    end.call() if config["role"] == "caller" else end.answer()

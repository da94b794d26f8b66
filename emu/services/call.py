"""A call between a mobile node and a server: SIPp and GStreamer at both ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emu.measure import fidelity
from emu.measure.run import Run
from emu.requirements import GSTREAMER, SIPP
from emu.scenario.services import Call
from emu.services import call_ports, call_result
from emu.services.kind import Kind, Metric, Place
from emu.traffic.plan import Job

_METRICS = ("mos", "loss_percent", "mouth_to_ear_ms", "jitter_ms")


class CallKind(Kind[Call]):
    """The mobile node calls, both speak, and it hangs up."""

    programs = (SIPP, GSTREAMER)

    def servers(self, place: Place) -> Iterator[Job]:
        """The callee."""
        seeds = {"caller": place.seed, "callee": place.seed + 1}
        yield self._end(place, self.service.to, "callee", 0, speech_seeds=seeds)

    def clients(self, place: Place, t0_ns: int) -> Iterator[Job]:
        """The caller."""
        yield self._end(place, self.service.from_, "caller", t0_ns)

    def _end(self, place: Place, node: str, role: str, t0_ns: int, **config: Any) -> Job:
        """A process; the callee starts before the scenario's time does, and has no use for it."""
        stop = place.scenario.duration if self.service.stop is None else self.service.stop
        services = place.scenario.services.items()
        calls = [name for name, service in services if service.kind == "call"]
        return place.job(
            self.name,
            node,
            "emu.services.sipp",
            role=role,
            remote=place.address(self.service.to),
            port=call_ports.of(calls, self.name)[0],
            folder=str(place.directory / "calls"),
            start_ns=t0_ns + self.service.start,
            stop_ns=t0_ns + stop,
            **config,
        )

    def result(self, run: Run) -> dict[str, Any]:
        """How it went."""
        ports = call_ports.of_record(run.meta["scenario"]["services"], self.name)
        return call_result.describe(run, self.name, self.service, ports)

    @staticmethod
    def metrics(result: dict[str, Any]) -> Iterator[Metric]:
        """Of both directions, and the MOS around each undisturbed handover."""
        yield "call.setup_ms", result["setup_ms"]
        for direction in result["directions"]:
            for name in _METRICS:
                yield f"call.{name}", direction[name]
            for handover in fidelity.undisturbed(direction["handovers"]):
                yield "call.silence_ms", handover["silence_ms"]
                for when, mos in handover["mos"].items():
                    yield f"call.mos_{when}_handover", mos

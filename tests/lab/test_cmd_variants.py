"""The CMD as relay, locator and proxy: figures 3, 4, 6 and 7 of the paper, read from captures."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run_side_by_side

pytestmark = pytest.mark.root

SCENARIO = """
name: variant
duration: 4s
topology:
  kind: dmm-domain
  mars: 3
  backhaul: {{delay: 4ms}}
  cmd: {{delay: 10ms}}
mobility: {{variant: {variant}, retransmission: 2s}}
nodes:
  mn1: {{role: mn, attach: mar1}}
events:
  - {{at: 1s, handover: mn1, to: mar2, gap: 20ms}}
  - {{at: 2500ms, handover: mn1, to: mar3, gap: 20ms}}
"""
VARIANTS = ["relay", "locator", "proxy"]
ADDRESSES = {
    "2001:db8:ffff::3:1": "cmd",
    **{f"2001:db8:ffff::1:{number}": f"mar{number}" for number in (1, 2, 3)},
}
CAPTURES = [f"{mar}-{end}" for mar in ("mar1", "mar2", "mar3") for end in ("cmd", "ix")] + [
    f"cmd-{mar}" for mar in ("mar1", "mar2", "mar3")
]
MESSAGES = {"5": "PBU", "6": "PBA"}
OUTGOING = "2"

Message = tuple[str, str, str]
"""From whom, which message, to whom."""


@pytest.fixture(scope="module", params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    scenarios = {name: tmp_path_factory.mktemp(name) / "scenario.yaml" for name in VARIANTS}
    for name, scenario in scenarios.items():
        scenario.write_text(SCENARIO.format(variant=name), encoding="utf-8")
    return run_side_by_side(scenarios, "--keep-captures")


@pytest.fixture(scope="module")
def exchanges(variant: str, runs: dict[str, Run]) -> list[list[Message]]:
    """The messages of each attachment, in the order in which they left their senders."""
    found: list[list[Message]] = []
    for message in _sent(runs[variant]):
        if message[1:] == ("PBU", "cmd"):
            found.append([])
        found[-1].append(message)
    return found


def _sent(done: Run) -> list[Message]:
    assert done.record, done.output
    fields = ("frame.time_epoch", "ipv6.src", "ipv6.dst", "mip6.mhtype")
    sent = []
    for capture in CAPTURES:
        mine = f"mipv6 and frame.packet_flags_direction == {OUTGOING}"
        for time, source, destination, kind in done.packets(capture, mine, *fields):
            if capture.startswith(f"{ADDRESSES[source]}-"):  # else it passes through
                message = (ADDRESSES[source], MESSAGES[kind], ADDRESSES[destination])
                sent.append((float(time), message))
    return [message for _, message in sorted(sent)]


def test_the_initial_registration_is_figure_3s(exchanges: list[list[Message]]) -> None:
    assert exchanges[0] == [("mar1", "PBU", "cmd"), ("cmd", "PBA", "mar1")]


@pytest.mark.parametrize("previous", [1, 2])
def test_a_handover_is_its_figures(
    variant: str, exchanges: list[list[Message]], previous: int
) -> None:
    serving = f"mar{previous + 1}"
    mars = [f"mar{number}" for number in range(1, previous + 1)]
    first, *rest = exchanges[previous]
    assert first == (serving, "PBU", "cmd")
    told = [("cmd", "PBU", mar) for mar in mars]
    answered = {(mar, "PBA", "cmd") for mar in mars}
    reply = ("cmd", "PBA", serving)
    if variant == "proxy":
        assert rest[: previous + 1] == [reply, *told]
        assert set(rest[previous + 1 :]) == answered
    else:
        assert rest[:previous] == told
        rest = rest[previous:]
        if variant == "relay":
            assert set(rest[:-1]) == answered
            assert rest[-1] == reply
        else:
            assert set(rest) == answered | {(mar, "PBA", serving) for mar in mars}


@pytest.mark.parametrize("previous", [1, 2])
def test_a_handover_takes_as_many_messages_as_section_5_1_3_has_it(
    variant: str, exchanges: list[list[Message]], previous: int
) -> None:
    count = 3 * previous + 1 if variant == "locator" else 2 * previous + 2
    assert len(exchanges[previous]) == count

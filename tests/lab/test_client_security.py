"""A client that proves what its Binding Updates say, and gives up home addresses without flows."""

from __future__ import annotations

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: client-security
duration: 6s
topology:
  kind: dmm-domain
  mars: 3
  access: {authentication: 15ms}
  backhaul: {delay: 5ms}
mobility:
  scheme: client
  security: {cga: true, return_routability: true, permanent_keygen_token: true}
  idle_release: 500ms
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  srv: {role: server}
traffic:
  - {kind: ping, from: mn1, to: srv, interval: 20ms, stop: 2.8s}
events:
  - {at: 1.2s, handover: mn1, to: mar2, gap: 20ms}
  - {at: 2.2s, handover: mn1, to: mar3, gap: 20ms}
"""
HOTI, COTI, HOT, COT, UPDATE, ACKNOWLEDGEMENT = "1", "2", "3", "4", "5", "6"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("client")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    finished = run(scenario, place / "results", "--keep-captures")
    assert finished.record, finished.output
    return finished


def with_mar1(done: Run) -> list[list[str]]:
    """Type, lifetime, home nonce index, signature, and authenticator of what mar1 was told."""
    fields = ("mip6.mhtype", "mip6.bu.lifetime", "mip6.ni.hni", "mip6.sign.sign", "mip6.bad.auth")
    return done.packets("mar1-ix", "mipv6 && ipv6.addr == 2001:db8:ffff::1:1", *fields)


def test_the_home_address_is_tested_at_home_and_each_care_of_address_before_its_update(
    done: Run,
) -> None:
    home = done.packets("mar1-radio", "mipv6", "mip6.mhtype")
    assert [kind for (kind,) in home] == [HOTI, HOT]
    handover = [COTI, COT, UPDATE, ACKNOWLEDGEMENT]
    release = [UPDATE, ACKNOWLEDGEMENT]
    assert [kind for kind, *_ in with_mar1(done)] == [*handover, *handover, *release]


def test_only_the_first_update_is_signed(done: Run) -> None:
    updates = [message for message in with_mar1(done) if message[0] == UPDATE]
    signed = [bool(signature) for _, _, _, signature, _ in updates]
    assert signed == [True, False, False]
    assert [index == "0" for _, _, index, _, _ in updates] == [False, True, True]
    assert all(authenticator for *_, authenticator in updates)


def test_the_flow_goes_on(done: Run) -> None:
    ping = done.flow("ping-mn1-srv")
    assert ping["sent"] - ping["lost"] > ping["sent"] / 2
    for moved in done.run()["handovers"]:
        assert moved["latency_ms"]["binding"] > 4 * 5  # two round trips over the backhaul
        tested = moved["care_of_test_ms"]
        assert 2 * 5 < tested < moved["latency_ms"]["binding"] - 2 * 5  # the first of them
        assert moved["latency_ms"]["authentication"] >= 15


def test_home_addresses_without_flows_are_released(done: Run) -> None:
    """That of mar2, which no flow ever used; and, once the ping has stopped, that of mar1."""
    (stopped,) = done.events("flow_stopped")
    released = [e for e in done.events("sent") if e["message"] == "BU" and e["lifetime"] == 0]
    assert [event["destination"][-1] for event in released] == ["2", "1"]
    assert released[1]["t"] > stopped["t"]
    states = {event["node"]: event for event in done.events("state")}
    assert states["mar1"]["bindings"] == states["mar2"]["bindings"] == {}
    assert list(states["mn1"]["homes"].values()) == ["HOME"]
    assert all(states[mar]["counters"]["unauthentic"] == 0 for mar in ("mar1", "mar2", "mar3"))

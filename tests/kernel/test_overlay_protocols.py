"""Members that speak other protocols than our own, as users start them."""

from __future__ import annotations

import pytest

from tests.kernel.overlay_hosts import unicast_only
from tests.overlay_example import write_star
from tests.patience import eventually

pytestmark = pytest.mark.root


def test_the_example_of_the_docs_runs_on_hosts(tmp_path):
    write_star(tmp_path)
    with unicast_only(3, tmp_path) as hosts:
        for host in hosts:
            others = [f"10.0.{other.number}.2:4754" for other in hosts if other is not host]
            host.start(protocol="star.py", members=others, query_interval="2s")
        listeners = [host.listen("239.1.1.1") for host in hosts[1:]]
        for host in hosts[1:]:
            eventually(lambda host=host: "239.1.1.1" in host.status()["link"]["groups"])
        sent = [f"packet {n}".encode() for n in range(100)]
        hosts[0].send("239.1.1.1", sent)
        for listener in listeners:
            listener.wait_for(sent)
        assert hosts[0].status()["protocol"] == "star.py"

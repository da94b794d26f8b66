"""Any moment is shown right, in whatever order events came and whatever was shown before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from playwright.sync_api import Page

from emu.measure import record
from tests.live_page import browser_page, replaying, wait_for_end
from tests.synthetic_record import write_record

EVENTS = 4500
"""Several checkpoints' worth."""
RUN = {"t0_ns": 0, "scenario": {"duration": 10**9}, "bin_ns": 10**8}
SHOW = """async ([run, batches, moments, bit_by_bit]) => {
  const { History } = await import("/history.js");
  const history = new History(run);
  const shown = [];
  const show = () => { for (const at of moments) shown.push(JSON.stringify(history.at(at))); };
  for (const batch of batches) {
    history.addEvents(batch);
    if (bit_by_bit) show();
  }
  shown.length = 0;
  show();
  return shown;
}"""


def _events(random: Random) -> list[dict[str, Any]]:
    """A time of its own for each: so there is one right order."""
    made = []
    for number in range(EVENTS):
        node, peer = random.sample(["mar1", "mar2", "mar3"], 2)
        kind = random.choice(["tunnel_created", "tunnel_held", "tunnel_removed", "l2_up", "sent"])
        event = {"t": number * 1000, "node": node, "kind": kind, "holder": f"x{number % 7}"}
        made.append(event | {"peer": peer, "mar": peer, "mn": f"mn{number % 5}"})
        made[-1] |= {"message": "PBU", "destination": peer}
    return made


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    directory = write_record(tmp_path_factory.mktemp("history"), runs=1)
    record.build(directory)
    with replaying(directory) as address, browser_page(address) as page:
        wait_for_end(page)
        yield page


@pytest.mark.parametrize("seed", range(2))
def test_the_order_in_which_events_come_makes_no_difference(page, seed):
    random = Random(seed)
    events = _events(random)
    moments = [random.randrange(EVENTS * 1000) for _ in range(12)]
    whole = page.evaluate(SHOW, [RUN, [events], sorted(moments), False])
    by_moment = dict(zip(sorted(moments), whole, strict=True))
    late = [(event["t"] + random.expovariate(1 / 200_000), event) for event in events]
    came = [event for _, event in sorted(late, key=lambda one: one[0])]
    batches = [came[at : at + 300] for at in range(0, EVENTS, 300)]
    shown = page.evaluate(SHOW, [RUN, batches, moments, True])
    assert shown == [by_moment[moment] for moment in moments]
    assert len(set(shown)) == len(shown)
    assert json.loads(by_moment[max(moments)])["counts"]["PBU"] > 400


def test_scores_of_a_call_that_goes_on_reach_its_chart(page):
    score = {"service": "talk", "from": "mn1", "to": "web", "at_s": 1.0, "mos": 4.3}
    shown = page.evaluate(
        """async ([run, first, second]) => {
          const { History } = await import("/history.js");
          const { callCharts } = await import("/curves.js");
          const history = new History(run);
          const before = history.version;
          history.addScores(first);
          const charts = callCharts(history);
          history.addScores(second);
          const words = charts.map((chart) => [chart.about, ...[0.5e9, 1.2e9, 2e9].map((t) => chart.words(t))]);
          return [history.version - before, callCharts(history).length, words];
        }""",  # noqa: E501
        [RUN, [score], [score | {"at_s": 1.5, "mos": 3.1}]],
    )
    assert shown == [2, 1, [["MOS of mn1 → web", "\N{EN DASH}", "4.30", "3.10"]]]

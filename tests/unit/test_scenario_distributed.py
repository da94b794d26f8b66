"""What the fully distributed variant needs of a scenario."""

from __future__ import annotations

import pytest

from emu.scenario import ScenarioError, parse
from tests.unit.scenarios import GOOD, spoiled

VARIANTS = ["distributed", "mih"]
DISTRIBUTED = spoiled("variant: proxy", "variant: distributed")


def test_it_is_one_word():
    assert parse(DISTRIBUTED.encode(), "f").mobility.first_attachment_timeout == 100_000_000
    assert parse(GOOD.encode(), "f").mobility.variant == "proxy"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (
            "dmm-domain",
            "line",
            "f:8: mobility.variant: needs the topology dmm-domain, whose exchange carries"
            " multicast; write proxy",
        ),
        (
            "scheme: mld-dmm",
            "scheme: multi-upstream, channel_control: {at: cmd}",
            "f:9: multicast.channel_control.at: there is no CMD in the variant {variant};"
            " write mar or mcc",
        ),
    ],
)
def test_it_does_without_a_cmd_but_not_without_an_exchange(old, new, error, variant):
    scenario = spoiled("variant: proxy", f"variant: {variant}").replace(old, new)
    with pytest.raises(ScenarioError) as caught:
        parse(scenario.encode(), "f")
    assert str(caught.value) == error.format(variant=variant)

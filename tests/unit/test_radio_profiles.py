"""Radio access by name: what each MAR's link has, and that the documents have the same figures."""

from __future__ import annotations

from pathlib import Path

from emu.scenario import parse
from emu.scenario.profiles import PROFILES
from tests.unit.scenarios import spoiled

DOCS = Path(__file__).resolve().parents[2] / "docs" / "topologies.md"


def test_a_mar_without_a_profile_has_what_the_scenario_says() -> None:
    text = spoiled(
        "access: {delay: 2ms, rate: 54mbit}",
        "access: {delay: 2ms, rate: 54mbit, profiles: {mar1: 3g, dar3: lte}}",
    )
    topology = parse(text.encode(), "test").topology
    (down, up), plain, (lte, _) = (topology.radio(mar) for mar in topology.access_routers)
    assert (down.rate, up.rate, down.delay, up.delay) == (5_900_000, 1_600_000, 32e6, 32e6)
    assert plain == (topology.access, topology.access)
    assert (lte.rate, lte.loss) == (14_700_000, 1e-6)


def test_the_documents_have_the_figures() -> None:
    text = DOCS.read_text(encoding="utf-8")
    for name, profile in PROFILES.items():
        cells = (
            f"`{name}`",
            f"{profile.down / 1e6:g} Mbit/s",
            f"{profile.up / 1e6:g} Mbit/s",
            f"{profile.delay / 1e6:g} ms",
            f"±{profile.jitter / 1e6:g} ms",
            f"{profile.loss * 100:f}".rstrip("0").rstrip(".") + (" %" if profile.loss else ""),
        )
        assert f"| {' | '.join(cells)} |" in text

"""docs/scenario.md knows every key, its example is good, and the errors it shows are real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from emu.scenario import model, parse
from emu.scenario.overlay import OVERLAYS
from emu.scenario.services import SERVICES
from emu.schemes.registry import SCHEMES
from tests.unit.test_bad_scenarios import CONTENTS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "scenario.md"
TEXT = DOCS.read_text(encoding="utf-8")
OF_SCHEMES = {keys: name for name, scheme in SCHEMES.all().items() for keys in scheme.keys}
"""By its keys a scheme that has them, and may say so on a page of its own."""
SECTIONS = sorted(
    (
        one
        for one in (*vars(model).values(), *SERVICES.values(), *OVERLAYS.values(), *OF_SCHEMES)
        if isinstance(one, type) and issubclass(one, model.Section)
    ),
    key=lambda section: section.__name__,
)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_key_is_documented(section: type[model.Section]) -> None:
    own = DOCS.with_name(f"{OF_SCHEMES.get(section)}.md")
    text = TEXT + (own.read_text(encoding="utf-8") if own.exists() else "")
    for name, field in section.model_fields.items():
        key = field.alias or name
        assert f"`{key}`" in text or f"{key}: " in text


def test_the_example_is_a_good_scenario() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert parse(example.encode(), "example").name == "first"


def test_the_errors_are_real() -> None:
    cases = yaml.safe_load(
        DOCS.parents[1].joinpath("tests/unit/bad_scenarios.yaml").read_text(encoding="utf-8")
    )
    real = {f"tv.yaml:{error}" for case in cases for error in case["errors"]}
    real |= {error.replace("bad.yaml", "tv.yaml") for _, error in CONTENTS}
    real |= {"tv.yaml: no such file or directory; name a scenario file that can be read"}
    shown = re.findall(r"`(tv\.yaml.*?)`(?: \||\s\()", TEXT)
    assert len(shown) > 20
    assert set(shown) <= real

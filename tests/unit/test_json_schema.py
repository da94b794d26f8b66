"""The schema for editors takes what emu takes, and refuses what it can know to be wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from emu.cli import commands
from tests.unit.scenarios import GOOD, spoiled
from tests.unit.sweeps import MATRIX, spoiled_matrix

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "experiments").glob("*/*.yaml"))
SPOILED = yaml.safe_load(Path(__file__).with_name("bad_scenarios.yaml").read_text(encoding="utf-8"))
KNOWN = re.compile(
    "unknown key|has no unit|has an unknown unit|is negative|is not a (duration|rate|switch|size)|"
    "is not a (whole number|good name|list|mapping)|is too (small|large); write|"
    "^[0-9]+: (name|duration|topology): (is missing|has no value)|"
    "(policy|scheme|dad|role): .* choices"
)
"""What is wrong with one value or key by itself."""


class Core(yaml.SafeLoader):
    """Plain scalars as YAML 1.2 reads them, and so editors: ``off`` is a word."""

    yaml_implicit_resolvers: dict[str, Any] = {}


for tag, pattern, first in (
    ("bool", r"true|false", "tf"),
    ("null", r"~|null|", ["~", "n", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]+", "-+0123456789"),
):
    Core.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), [*first])


def read(text: str) -> Any:
    return yaml.load(text, Core)


@pytest.fixture(scope="module")
def validators() -> dict[str, Draft202012Validator]:
    made = {}
    for kind in ("scenario", "matrix"):
        schema = json.loads(CliRunner().invoke(commands, ["schema", kind]).stdout)
        Draft202012Validator.check_schema(schema)
        made[kind] = Draft202012Validator(schema)
    return made


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_it_takes_every_scenario_and_matrix_of_the_experiments(validators, path: Path) -> None:
    data = read(path.read_text(encoding="utf-8"))
    errors = validators["matrix" if "axes" in data else "scenario"].iter_errors(data)
    assert [error.message for error in errors] == []


def test_it_takes_the_examples_of_the_documents(validators) -> None:
    for text in (GOOD, *re.findall(r"```yaml\n(name:.*?)```", page("README.md"), re.DOTALL)):
        assert validators["scenario"].is_valid(read(text))
    assert validators["matrix"].is_valid(read(MATRIX))


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "case",
    [case for case in SPOILED if any(map(KNOWN.search, case["errors"]))],
    ids=lambda case: case["errors"][0].split(";")[0],
)
def test_it_refuses_what_is_wrong_by_itself(validators, case: dict[str, Any]) -> None:
    data = read(spoiled(case["replace"], case["by"]))
    assert not validators["scenario"].is_valid(data)


def test_it_refuses_bad_matrices(validators) -> None:
    for old, new in (
        ("seeds: 2", "seeds: many"),
        ("axes:", "axis:"),
        ("scenario: base.yaml\n", ""),
    ):
        assert not validators["matrix"].is_valid(read(spoiled_matrix(old, new)))


def test_what_virtual_time_has_is_wrong_in_the_lab(validators) -> None:
    churn = read(page("experiments/i3-churn/scenario.yaml"))
    churn["topology"] = {"kind": "dmm-domain", "mars": 3}
    assert not validators["scenario"].is_valid(churn)


def test_it_says_what_keys_mean_and_defaults_as_they_are_written(validators) -> None:
    settings = validators["scenario"].schema["$defs"]["Multicast"]["properties"]
    assert settings["query_interval"]["description"] == "Between general queries."
    assert settings["query_interval"]["default"] == "125s"
    assert settings["buffer_size"]["default"] == 1_000_000

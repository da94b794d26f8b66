"""The tutorial, followed word by word: from the first scenario to the figure."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.lab.emu_run import ENDED
from tests.tutorial import follow

pytestmark = pytest.mark.root


def test_it_leads_to_a_figure(tmp_path: Path) -> None:
    """A machine that cannot keep up ends a run with status 4: its figure has fewer points."""
    for step, result in follow(tmp_path, as_root=True):
        assert result.returncode in ENDED, (step.text, result.stdout, result.stderr)
        if result.returncode == 0 and step.prints is not None and "dry-run" not in step.text:
            assert result.stdout == step.prints
    record = json.loads((tmp_path / "results/tv/latest/record.json").read_text(encoding="utf-8"))
    (handover,) = record["runs"][0]["handovers"]
    assert [flow["flow"] for flow in handover["flows"]] == ["news→phone"]
    table = pd.read_parquet(tmp_path / "results/schemes/table.parquet")
    assert {*zip(table.scheme, table.seed, strict=True)} == {
        (scheme, seed) for scheme in ("plain", "context") for seed in (1, 2)
    }
    for kind in ("svg", "pdf", "png", "csv"):
        assert (tmp_path / f"results/schemes/disruption.{kind}").stat().st_size > 0

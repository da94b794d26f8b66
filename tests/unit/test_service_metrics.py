"""What the documents say of services' metrics is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emu.services import playback
from emu.services.player import PlayerKind
from tests.small_run import event, small_run


def test_every_number_of_a_player_is_a_metric(tmp_path: Path) -> None:
    run = small_run(tmp_path, events=[event(0, "mn1", "player_started", service="tv")])
    result: dict[str, Any] = {
        **playback.describe(run, "tv"),
        **playback.loading(run, "mn1", [300_000], 0.0),
    }
    lists = {"segments", "stalled_at_s"}
    words = {"ended"}
    assert set(playback.METRICS) == result.keys() - lists - words - {"core_bytes"}
    found = dict(PlayerKind.metrics(result))
    assert found["player.reloads"] == 0
    assert found["player.mean_bitrate"] is None

"""How a video was played, from the events of its player."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emu.services import playback
from emu.services.content import Content, segment_of
from tests.small_run import event, small_run

TV = {"service": "tv"}


def described(tmp_path: Path, *events: tuple[float, str, dict[str, Any]]) -> dict[str, Any]:
    entries = [event(at, "mn1", kind, **TV, **fields) for at, kind, fields in events]
    other = event(700, "mn2", "stalled", service="other")
    return playback.describe(small_run(tmp_path, events=[*entries, other]), "tv")


def test_the_start_up_is_from_the_request_to_the_first_picture(tmp_path: Path) -> None:
    told = described(
        tmp_path,
        (500, "player_started", {}),
        (1000, "buffer", {"position_s": None, "level_s": 0.5}),
        (1250, "playing", {"position_s": 0.0}),
        (2000, "buffer", {"position_s": 0.75, "level_s": 4.0}),
        (2250, "buffer", {"position_s": 0.75, "level_s": 3.0}),
        (2500, "buffer", {"position_s": 0.75, "level_s": None}),
        (2900, "player_ended", {"reason": "stopped"}),
    )
    assert (told["startup_ms"], told["stalls"], told["stalled_ms"]) == (750, 0, 0)
    assert (told["played_s"], told["ended"]) == (0.75, "stopped")
    assert (told["buffer_min_s"], told["buffer_mean_s"]) == (3.0, 3.5)


def test_a_stall_lasts_until_the_picture_moves_again_or_the_player_ends(tmp_path: Path) -> None:
    told = described(
        tmp_path,
        (0, "player_started", {}),
        (100, "playing", {"position_s": 0.0}),
        (500, "stalled", {"position_s": 0.4}),
        (900, "playing", {"position_s": 0.4}),
        (1500, "stalled", {"position_s": 1.0}),
        (1700, "player_ended", {"reason": "stopped"}),
    )
    assert (told["stalls"], told["stalled_ms"], told["stalled_at_s"]) == (2, 600, [0.5, 1.5])


def test_a_video_that_never_played_has_no_start_up(tmp_path: Path) -> None:
    told = described(
        tmp_path, (0, "player_started", {}), (90, "player_ended", {"reason": "Not Found"})
    )
    assert (told["startup_ms"], told["stalls"], told["stalled_ms"]) == (None, None, None)
    assert (told["played_s"], told["ended"]) == (0, "Not Found")
    assert (told["buffer_min_s"], told["buffer_mean_s"]) == (None, None)


def test_a_segment_is_known_by_its_uri() -> None:
    assert segment_of("/2-17.m4s") == (2, 17)
    assert [segment_of(uri) for uri in ("/manifest.mpd", "/2-init.m4s", "/a-1.m4s")] == [None] * 3


def test_a_video_is_named_by_what_it_is_made_of() -> None:
    content = Content(41_000_000_000, 2_000_000_000, (300_000, 1_500_000))
    assert content.name == "dash-41s-2s-300k-1500k"
    assert content.segments == 21

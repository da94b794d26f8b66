"""The video of an origin is made once, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from emu.services import content
from emu.services.content import Content
from emu.services.kind import ServiceFailed

VIDEO = Content(2_000_000_000, 1_000_000_000, (200_000,))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(content, "CACHE", tmp_path / "cache")
    return tmp_path / "cache"


def test_it_is_made_at_its_first_use_only(cache: Path) -> None:
    told: list[str] = []
    folder = VIDEO.ensure(told.append)
    assert {path.name for path in folder.iterdir()} == set(VIDEO.files())
    assert VIDEO.ensure(told.append) == folder
    assert told == ["making a video of 2 s, once"]


def test_what_a_run_that_was_killed_left_is_no_video_and_goes(cache: Path) -> None:
    unfinished = cache / f".{VIDEO.name}-abc"
    unfinished.mkdir(parents=True)
    (unfinished / "0-1.m4s").write_bytes(b"half a segment")
    VIDEO.ensure(print)
    assert sorted(path.name for path in cache.iterdir()) == [VIDEO.name, f"{VIDEO.name}.lock"]


def test_what_ffmpeg_cannot_make_is_one_line_and_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Content, "command", lambda *_: ["ffmpeg", "-i", "no-such-input", "x.mp4"])
    with pytest.raises(ServiceFailed) as failed:
        VIDEO.ensure(print)
    assert str(failed.value) == (
        "ffmpeg could not make the video: no-such-input: No such file or directory"
    )
    assert [path.name for path in cache.iterdir()] == [f"{VIDEO.name}.lock"]

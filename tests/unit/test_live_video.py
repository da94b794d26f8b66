"""A live video: what its manifest says, and when each of its segments is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from emu.services.content import MANIFEST
from emu.services.live_video import LiveVideo, manifest

BEGIN = 1_700_000_000_500_000_000
SEGMENT = 2_000_000_000
STATIC = """<?xml version="1.0" encoding="utf-8"?>
<MPD xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
	xmlns="urn:mpeg:dash:schema:mpd:2011"
	xmlns:xlink="http://www.w3.org/1999/xlink"
	xsi:schemaLocation="urn:mpeg:DASH:schema:MPD:2011 http://standards.iso.org/ittf/PubliclyAvailableStandards/MPEG-DASH_schema_files/DASH-MPD.xsd"
	profiles="urn:mpeg:dash:profile:isoff-live:2011"
	type="static"
	mediaPresentationDuration="PT6.0S"
	maxSegmentDuration="PT2.0S"
	minBufferTime="PT4.0S">
	<Period id="0" start="PT0.0S">
	</Period>
</MPD>
"""
FOUND_WITHIN = 512
"""Bytes in which GStreamer looks for the start tag, whole."""


@pytest.fixture
def content(tmp_path: Path) -> Path:
    folder = tmp_path / "content"
    folder.mkdir()
    (folder / MANIFEST).write_text(STATIC, encoding="utf-8")
    for name in ("0-init", "0-1", "0-2", "0-10", "1-init", "1-1", "1-2", "1-10"):
        (folder / f"{name}.m4s").write_text(name, encoding="utf-8")
    return folder


def test_the_manifest_tells_when_the_video_began_and_how_far_to_stay_behind() -> None:
    text = manifest(STATIC, BEGIN, SEGMENT)
    assert 'type="dynamic"' in text
    assert 'availabilityStartTime="2023-11-14T22:13:20.700000Z"' in text
    assert 'suggestedPresentationDelay="PT6S"' in text
    assert 'mediaPresentationDuration="PT6.0S"' in text


def test_gstreamer_can_tell_that_it_is_a_manifest() -> None:
    text = manifest(STATIC, BEGIN, 1_500_000_000)
    start = text.index("<MPD ")
    assert len(text[: text.index(">", start)].encode()) < FOUND_WITHIN


def test_segments_appear_when_they_come_to_their_end(content: Path, tmp_path: Path) -> None:
    folder = tmp_path / "live"
    live = LiveVideo(content, folder, 0, SEGMENT)

    def there() -> set[str]:
        return {path.name.removesuffix(".m4s") for path in folder.iterdir()} - {MANIFEST}

    assert there() == {"0-init", "1-init"}
    assert live.advance(SEGMENT - 1) == SEGMENT
    assert there() == {"0-init", "1-init"}
    assert live.advance(SEGMENT) == 2 * SEGMENT
    assert there() == {"0-init", "1-init", "0-1", "1-1"}
    assert live.advance(9 * SEGMENT) == 10 * SEGMENT
    assert live.advance(10 * SEGMENT) is None
    assert (folder / "1-10.m4s").read_text(encoding="utf-8") == "1-10"


def test_a_server_that_is_started_again_goes_on_where_it_would_be(
    content: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "live"
    LiveVideo(content, folder, 0, SEGMENT).advance(SEGMENT)
    again = LiveVideo(content, folder, 0, SEGMENT)
    assert again.advance(2 * SEGMENT) == 10 * SEGMENT
    assert (folder / "0-2.m4s").exists()

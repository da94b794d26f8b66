"""The video of an origin: MPEG-DASH (ISO/IEC 23009-1), made by ffmpeg at its first use.

The picture is ffmpeg's test source with the time in large digits. Every representation has its
segments at the same places, of the same length, each of which begins with a key frame: a player may
change from one representation to another at any segment.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emu.services.kind import ServiceFailed

CACHE = Path("/var/cache/emu")
"""Where what was made stays for later runs; a file may be deleted at any time between runs."""
MANIFEST = "manifest.mpd"
RATE = 25
"""Pictures a second."""
SIZES = ((400_000, "320x180"), (1_000_000, "640x360"), (3_000_000, "1280x720"))
"""The size of the picture up to each bit rate; above the last it is Full HD."""
_LARGEST = "1920x1080"
_SECOND = 1_000_000_000


@dataclass(frozen=True)
class Content:
    """One video, by what it is made of: lengths in ns, bit rates in bit/s."""

    length: int
    segment: int
    bitrates: tuple[int, ...]

    @property
    def name(self) -> str:
        """Of its folder."""
        rates = "-".join(f"{rate // 1000}k" for rate in self.bitrates)
        return f"dash-{self.length / _SECOND:g}s-{self.segment / _SECOND:g}s-{rates}"

    @property
    def folder(self) -> Path:
        """Where it is, once it was made."""
        return CACHE / self.name

    @property
    def segments(self) -> int:
        """How many each representation has."""
        return -(-self.length // self.segment)

    def files(self) -> list[str]:
        """The names of all its files."""
        parts = ("init", *range(1, self.segments + 1))
        names = [f"{r}-{part}.m4s" for r in range(len(self.bitrates)) for part in parts]
        return [MANIFEST, *names]

    def ensure(self, tell: Callable[[str], None]) -> Path:
        """Its folder; made first, in the background's idle time, if it is not there.

        Runs that start side by side wait for the one that makes it. ServiceFailed if ffmpeg fails.
        """
        if self.folder.exists():
            return self.folder
        CACHE.mkdir(parents=True, exist_ok=True)
        with (CACHE / f"{self.name}.lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.folder.exists():
                tell(f"making a video of {self.length / _SECOND:g} s, once")
                self._make()
        return self.folder

    def _make(self) -> None:
        for unfinished in CACHE.glob(f".{self.name}-*"):  # of a run that was killed
            shutil.rmtree(unfinished, ignore_errors=True)
        making = Path(tempfile.mkdtemp(prefix=f".{self.name}-", dir=CACHE))
        try:
            done = subprocess.run(
                self.command(making),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
            )
            if done.returncode != 0:
                last = done.stderr.strip().rpartition("\n")[2]
                raise ServiceFailed(f"ffmpeg could not make the video: {last}")
            making.chmod(0o755)
            making.rename(self.folder)
        finally:
            shutil.rmtree(making, ignore_errors=True)

    def command(self, folder: Path) -> list[str]:
        """What makes it in a folder."""
        count = len(self.bitrates)
        seconds = self.length / _SECOND
        pictures = round(self.segment * RATE / _SECOND)
        clock = "drawtext=text='%{pts\\:hms}':fontsize=96:fontcolor=white:box=1:x=20:y=20"
        split = "".join(f"[s{n}]" for n in range(count))
        sizes = ";".join(f"[s{n}]scale={_size(r)}[v{n}]" for n, r in enumerate(self.bitrates))
        command = ["ffmpeg", "-hide_banner", "-loglevel", "error", "-f", "lavfi"]
        command += ["-i", f"testsrc2=size=1280x720:rate={RATE}:duration={seconds}"]
        command += ["-filter_complex", f"[0:v]{clock},split={count}{split};{sizes}"]
        for number, rate in enumerate(self.bitrates):
            command += ["-map", f"[v{number}]", f"-b:v:{number}", str(rate)]
            command += [f"-maxrate:v:{number}", str(rate), f"-bufsize:v:{number}", str(2 * rate)]
        command += ["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main"]
        command += ["-g", str(pictures), "-keyint_min", str(pictures), "-sc_threshold", "0"]
        command += ["-f", "dash", "-seg_duration", str(self.segment / _SECOND)]
        command += ["-use_template", "1", "-use_timeline", "0"]
        command += ["-init_seg_name", "$RepresentationID$-init.m4s"]
        command += ["-media_seg_name", "$RepresentationID$-$Number$.m4s"]
        command += ["-adaptation_sets", "id=0,streams=v", str(folder / MANIFEST)]
        return ["nice", "-n", "10", *command]


def _size(rate: int) -> str:
    return next((size for most, size in SIZES if rate <= most), _LARGEST)


def segment_of(uri: str) -> tuple[int, int] | None:
    """The representation and the number, from 1, of the segment that a URI names; None: no one."""
    representation, dash, number = os.path.basename(uri.partition("?")[0]).partition("-")
    number = number.removesuffix(".m4s")
    if not (dash and representation.isdecimal() and number.isdecimal()):
        return None
    return int(representation), int(number)

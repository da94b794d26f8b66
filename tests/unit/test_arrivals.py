from __future__ import annotations

from pathlib import Path

import numpy as np

from emu.traffic import arrivals
from emu.traffic.arrivals import ArrivalsWriter

ROWS = [(0, 5, 9), (1, 2**62, 2**62 + 7), (-1, 0, 3)]


def write(path: Path) -> None:
    writer = ArrivalsWriter(path)
    for row in ROWS:
        writer.append(*row)
    writer.close()


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    write(tmp_path / "new" / "a.bin")
    assert arrivals.read(tmp_path / "new" / "a.bin").tolist() == [list(row) for row in ROWS]


def test_the_file_is_bare_little_endian_int64(tmp_path: Path) -> None:
    write(tmp_path / "a.bin")
    rows = np.fromfile(tmp_path / "a.bin", dtype="<i8").reshape(-1, 3)
    assert rows.tolist() == [list(row) for row in ROWS]


def test_a_second_writer_appends(tmp_path: Path) -> None:
    write(tmp_path / "a.bin")
    write(tmp_path / "a.bin")
    assert len(arrivals.read(tmp_path / "a.bin")) == 6


def test_a_torn_last_row_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.bin")
    whole = (tmp_path / "a.bin").read_bytes()
    (tmp_path / "a.bin").write_bytes(whole[:-5])
    assert len(arrivals.read(tmp_path / "a.bin")) == 2


def test_rows_reach_the_file_before_it_is_closed(tmp_path: Path) -> None:
    writer = ArrivalsWriter(tmp_path / "a.bin")
    for number in range(5000):
        writer.append(number, 0, 0)
    assert len(arrivals.read(tmp_path / "a.bin")) >= 2048

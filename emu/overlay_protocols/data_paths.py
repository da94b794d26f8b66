"""Who carries an overlay's data: the daemon, or programs in the kernel beside it."""

from __future__ import annotations

from typing import Literal

PYTHON, BPF = "python", "bpf"
"""The data paths."""
DataPathName = Literal["python", "bpf"]


def data_path_problem(data_path: str, *, keys: bool) -> str | None:
    """What is wrong with a data path, whether or not there are keys; None: nothing is."""
    if data_path == BPF and keys:
        return "programs in the kernel do not encrypt, and there is a key; write python, or no key"
    return None

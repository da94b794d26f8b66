"""The example of docs/overlay-protocols.md: an overlay protocol of a user's own."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "overlay-protocols.md"


def write_star(folder: Path) -> Path:
    """The page's ``star.py``, as a reader copies it."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.S | re.M)
    path = folder / "star.py"
    path.write_text(code, encoding="utf-8")
    return path

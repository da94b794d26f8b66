"""``python -m emu`` and the console script ``emu``.

Starts with the standard library alone, so that any Python can say what is missing: when this one
lacks packages that we need and the checkout has a virtual environment, the command goes on in that.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from emu import terminal
from emu.requirements import LAB_MODULES, missing_modules

_CHECKOUT = Path(__file__).resolve().parent.parent
_CONTINUED = "EMU_CONTINUED"
"""Set for the Python of the virtual environment, so that it does not continue in itself."""


def main() -> int:
    """Runs the command line; the exit status."""
    terminal.take_over()
    missing = missing_modules(*sys.argv[1:2])
    continued = os.environ.pop(_CONTINUED, None) is not None
    python = _CHECKOUT / ".venv" / "bin" / "python"
    if missing and not continued and os.access(python, os.X_OK):
        os.environ[_CONTINUED] = "1"
        os.execv(python, [str(python), "-m", "emu", *sys.argv[1:]])
    needed = [name for name in missing if name not in LAB_MODULES]
    if needed:
        print(f"emu needs the Python packages {', '.join(needed)}: {_remedy()}", file=sys.stderr)
        return 3
    _lead_to_this_package()
    try:
        from emu.cli import emu

        status = emu()
    except KeyboardInterrupt:  # while all this was imported
        return 130
    complaint = terminal.complaint()
    if complaint is not None:
        print(complaint, file=sys.stderr)
    return status or int(complaint is not None)


def _remedy() -> str:
    if (_CHECKOUT / "Makefile").exists():
        return f"make -C {_CHECKOUT} setup"
    return f"{sys.executable} -m pip install --force-reinstall FOLDER OF THE CHECKOUT"


def _lead_to_this_package() -> None:
    """Lets what is started from here find this package, whatever the working directory holds.

    ``python -m`` looks there first, and takes a mere folder called emu (a checkout, seen from the
    folder around it) before what setuptools' import hook would find.
    """
    places = [str(_CHECKOUT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, places))


if __name__ == "__main__":
    sys.exit(main())

"""``python -m emu`` and the console script ``emu``.

Starts with the standard library alone, so that any Python can say what is missing: when this one
lacks packages that we need and the checkout has a virtual environment, the command goes on in that.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from emu.requirements import MODULES

_CHECKOUT = Path(__file__).resolve().parent.parent
_CONTINUED = "EMU_CONTINUED"
"""Set for the Python of the virtual environment, so that it does not continue in itself."""


def main() -> int:
    """Runs the command line; the exit status."""
    missing = [name for name in MODULES if importlib.util.find_spec(name) is None]
    continued = os.environ.pop(_CONTINUED, None) is not None
    python = _CHECKOUT / ".venv" / "bin" / "python"
    if missing and not continued and os.access(python, os.X_OK):
        os.environ[_CONTINUED] = "1"
        os.execv(python, [str(python), "-m", "emu", *sys.argv[1:]])
    if missing:
        names = ", ".join(missing)
        print(f"emu needs the Python packages {names}: make -C {_CHECKOUT} setup", file=sys.stderr)
        return 3
    _lead_to_this_package()
    from emu.cli import emu

    return emu()


def _lead_to_this_package() -> None:
    """Lets what is started from here find this package, whatever the working directory holds.

    ``python -m`` looks there first, and takes a mere folder called emu (a checkout, seen from the
    folder around it) before what setuptools' import hook would find.
    """
    places = [str(_CHECKOUT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, places))


if __name__ == "__main__":
    sys.exit(main())

"""Installs dash.js, a DASH player for browsers, from npm's registry into a virtual environment.

It is optional: without a way to the registry set-up goes on, and says so.
"""

from __future__ import annotations

import base64
import hashlib
import io
import sys
import tarfile
import time
import urllib.request
from pathlib import Path

VERSION = "5.2.1"
URL = f"https://registry.npmjs.org/dashjs/-/dashjs-{VERSION}.tgz"
SHA512 = "axcJmLeJCTJMLUfQRErUJB1KOiU5iHF+DMLBc3FKeox1HPYtGUQlC6Xm5Mm6vhBUR3CHHLIPOqw0JDIqMtP+Dw=="
FILES = {
    "package/dist/modern/umd/dash.all.min.js": "dash.all.min.js",
    "package/LICENSE.md": "dash.all.min.js.LICENSE.md",
}
ATTEMPTS = 3
PATIENCE_S = 60


def main() -> None:
    """Install it below the prefix of this Python, once."""
    folder = Path(sys.prefix) / "share" / "emu"
    if all((folder / name).exists() for name in FILES.values()):
        return
    print(f"setup: installing dash.js {VERSION} into {folder}")
    package = _download()
    if package is None:
        print("setup: no dash.js: players of the program dashjs cannot be used", file=sys.stderr)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for member, name in FILES.items():
            file = archive.extractfile(member)
            assert file is not None
            (folder / name).write_bytes(file.read())


def _download() -> bytes | None:
    """The package, as it was published; None if it cannot be had."""
    for attempt in range(ATTEMPTS):
        time.sleep(attempt)
        try:
            with urllib.request.urlopen(URL, timeout=PATIENCE_S) as answer:
                package: bytes = answer.read()
        except OSError as problem:
            print(f"setup: {URL}: {problem}", file=sys.stderr)
            continue
        if base64.b64encode(hashlib.sha512(package).digest()).decode() == SHA512:
            return package
        print(f"setup: {URL}: not what was published as {VERSION}", file=sys.stderr)
    return None


if __name__ == "__main__":
    main()

"""Set-up installs what the toolkit, and its advice, ask for; without the right to, it says so."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from emu.requirements import PROGRAMS

SETUP = Path(__file__).resolve().parents[2] / "setup"


def test_it_installs_the_package_of_every_program():
    lists = [SETUP / name for name in ("packages.txt", "packages-demo.txt")]
    lines = [line for path in lists for line in path.read_text().splitlines()]
    listed = {line.split()[0] for line in lines if line[:1] not in ("", "#")}
    assert {name for program in PROGRAMS for name in program.package.split()} <= listed


def _apt(folder: Path, uid: int, programs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs apt.sh for a user who has only these programs, and lacks tshark."""
    programs |= {
        "id": f'[ "$1" = -u ] && echo {uid} || echo alice',
        "grep": f'exec {shutil.which("grep")} "$@"',
        "dpkg-query": "exit 1",
    }
    for name, script in programs.items():
        _program(folder / name, script)
    packages = folder / "packages.txt"
    packages.write_text("# what is needed\ntshark    # reads captures\n")
    return subprocess.run(
        ["/bin/bash", SETUP / "apt.sh", packages],
        env={**os.environ, "PATH": str(folder)},
        capture_output=True,
        text=True,
    )


def test_who_is_neither_root_nor_has_sudo_is_told_in_one_line(tmp_path):
    done = _apt(tmp_path, 1000, {"apt-get": "echo apt-get ran"})
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "setup: you are not root, and there is no sudo to become it: as root, "
        "'apt-get install sudo && adduser alice sudo', then log in as alice again\n"
    )


@pytest.mark.parametrize("uid", [0, 1000])
def test_who_may_install_does(tmp_path, uid):
    tools = {"sudo": 'exec "$@"', "env": 'exec /usr/bin/env "$@"', "apt-get": 'echo "$@"'}
    done = _apt(tmp_path, uid, tools)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "setup: installing tshark"
    assert done.stdout.splitlines()[-1].endswith("install -y --no-install-recommends tshark")


@pytest.mark.parametrize("status", ["0", "1", None])
def test_the_status_of_the_virtual_machine_is_its_guests_own_word(tmp_path, status):
    """Whatever the program that boots it ends with: it has lost the guest's status before."""
    (tmp_path / ".vm/root/boot").mkdir(parents=True)
    (tmp_path / ".vm/root/boot/vmlinuz-1").touch()
    (tmp_path / "setup").mkdir()
    shutil.copy(SETUP / "vm.sh", tmp_path / "setup")
    guest = f"echo {status} >.vm/results/status" if status else "true"
    _program(tmp_path / ".venv/bin/vng", f"echo the guest speaks; {guest}; exit 255")
    _program(tmp_path / "bin/uname", "echo x86_64")
    done = subprocess.run(
        [tmp_path / "setup/vm.sh"],
        env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == int(status or "1"), done.stderr
    assert "the guest speaks" in done.stdout
    assert ("did not come to its end" in done.stderr) == (status is None)


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{script}\n")
    path.chmod(0o755)

"""Set-up installs what the toolkit, and its advice, ask for; without the right to, it says so."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from emu.requirements import PROGRAMS, Script

ROOT = Path(__file__).resolve().parents[2]
SETUP = ROOT / "setup"


def test_it_installs_the_package_of_every_program():
    lists = [SETUP / name for name in ("packages.txt", "packages-demo.txt", "packages-browser.txt")]
    lines = [line for path in lists for line in path.read_text(encoding="utf-8").splitlines()]
    listed = {line.split()[0] for line in lines if line[:1] not in ("", "#")}
    packaged = [program for program in PROGRAMS if not isinstance(program, Script)]
    assert {name for program in packaged for name in program.package.split()} <= listed


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
    packages.write_text("# what is needed\ntshark    # reads captures\n", encoding="utf-8")
    return subprocess.run(
        ["/bin/bash", SETUP / "apt.sh", packages],
        env={**os.environ, "PATH": str(folder)},
        capture_output=True,
        encoding="utf-8",
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
        encoding="utf-8",
    )
    assert done.returncode == int(status or "1"), done.stderr
    assert "the guest speaks" in done.stdout
    assert ("did not come to its end" in done.stderr) == (status is None)


@pytest.mark.parametrize(
    ("source", "archive"),
    [
        ("http://archive.ubuntu.com/ubuntu/", "http://archive.ubuntu.com/ubuntu/"),
        ("mirror+file:{folder}/mirrors.txt/", "http://azure.archive.ubuntu.com/ubuntu/"),
    ],
)
def test_a_bare_system_comes_from_the_distributions_own_archive(tmp_path, source, archive):
    """Others have the suite, too, with some packages; and a source may be a list of mirrors."""
    (tmp_path / "setup").mkdir()
    shutil.copy(SETUP / "bare.sh", tmp_path / "setup")
    (tmp_path / "mirrors.txt").write_text(
        "http://azure.archive.ubuntu.com/ubuntu/\tpriority:1\n"
        "https://archive.ubuntu.com/ubuntu/\tpriority:2\n",
        encoding="utf-8",
    )
    source = source.format(folder=tmp_path)
    programs = {
        "apt-get": 'case $3 in *URI*) echo "https://packages.example.com/ubuntu/24.04/";'
        f' echo "{source}";; *) [ "$5" = "Repo-URI: {source}" ] && printf "main\nuniverse\n"; esac',
        "apt-helper": 'case $3 in *noble*) echo "Origin: $([[ $3 = *archive.ubuntu.com* ]] '
        '&& echo Ubuntu || echo Somebody)" >"$4";; *) exit 1;; esac',
        "debootstrap": 'printf "%s\n" "$*" >called; exit 1',
    }
    for name, script in programs.items():
        _program(tmp_path / "bin" / name, script)
    done = subprocess.run(
        [tmp_path / "setup/bare.sh", "demo"],
        env={**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "SUITES": "jammy noble"},
        capture_output=True,
        encoding="utf-8",
    )
    assert "jammy is not tried" in done.stdout, done.stderr
    called = (tmp_path / "called").read_text(encoding="utf-8").split()
    root = str(tmp_path / ".vm/bare/noble")
    assert called == ["--variant=minbase", "--components=main,universe", "noble", root, archive]


def test_the_workflow_calls_what_there_is():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    called = [step["run"].split() for step in steps if "run" in step]
    targets = {words[-1] for words in called if words[-2] == "make"}
    programs = {words[-1] for words in called if words[-2] != "make"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets
    assert targets <= {*re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)}
    assert all(os.access(ROOT / program, os.X_OK) for program in programs)


def _program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{script}\n", encoding="utf-8")
    path.chmod(0o755)

"""What set-up installs is what the toolkit, and its advice, ask for."""

from pathlib import Path

from emu.requirements import PROGRAMS

LIST = Path(__file__).resolve().parents[2] / "setup" / "packages.txt"


def test_set_up_installs_the_package_of_every_program():
    listed = {
        line.split()[0] for line in LIST.read_text().splitlines() if line[:1] not in ("", "#")
    }
    assert {program.package for program in PROGRAMS} <= listed

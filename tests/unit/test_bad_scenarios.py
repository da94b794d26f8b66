"""What is wrong with a scenario is said in one line: the place, and what would be right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from emu.scenario import ScenarioError, parse
from emu.scenario.errors import each_of
from emu.scenario.loader import LARGEST_FILE
from emu.scenario.mobility import owners
from emu.schemes.registry import SCHEMES
from tests.unit.scenarios import GOOD, emu_check, spoiled

CHECKOUT = Path(__file__).resolve().parents[2]

SPOILED = yaml.safe_load(Path(__file__).with_name("bad_scenarios.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_scenario_that_is_spoiled_below_is_good(folder: Path) -> None:
    Path("good.yaml").write_text(GOOD, encoding="utf-8")
    result = emu_check(Path("good.yaml"))
    assert result.exit_code == 0, result.output
    good, note = result.stdout.splitlines()
    assert good == "good.yaml: base is good: 10s, 2 events"
    assert note.startswith("good.yaml: note: C1→mn1 may be silent for up to 10s after a handover")


@pytest.mark.parametrize("case", SPOILED, ids=lambda case: case["errors"][0].split(";")[0])
def test_one_line_says_what_is_wrong_and_what_would_be_right(
    case: dict[str, Any], folder: Path
) -> None:
    Path("bad.yaml").write_text(spoiled(case["replace"], case["by"]), encoding="utf-8")
    result = emu_check(Path("bad.yaml"))
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [f"bad.yaml:{named(error)}" for error in case["errors"]]
    assert result.stdout == ""


def named(error: str) -> str:
    """An error with the names of schemes, of which there may be more."""
    anchored = [name for name, one in SCHEMES.all().items() if one.centre.anchors]
    error = error.replace("SCHEMES WITH AN ANCHOR", each_of(anchored))
    return re.sub(
        r"(mobility\.(\w+): is for scheme: )SCHEMES THAT HAVE IT",
        lambda found: found[1] + each_of(owners(found[2])),
        error,
    )


CONTENTS = [
    (b"", "bad.yaml: is empty; write a scenario: name, duration, topology"),
    (b"# to do\n", "bad.yaml: is empty; write a scenario: name, duration, topology"),
    (b"hello\n", 'bad.yaml:1: holds "hello"; write keys and values, such as duration: 12s'),
    (b"- name: a\n", "bad.yaml:1: holds a list; write keys and values, such as duration: 12s"),
    (b"\x7fELF\x02\x01\x00", "bad.yaml: is binary data; name a YAML scenario"),
    (b"name: a\nx: caf\xe9\n", "bad.yaml:2: byte 0xe9 is not UTF-8; save the file as UTF-8"),
    (GOOD.encode("utf-16"), "bad.yaml: is binary data; name a YAML scenario"),
    (b"name: \x01\n", "bad.yaml:1: the character U+0001 is not allowed; leave it out"),
    (
        b'name: "\\UFFFFFFFF"\n',
        "bad.yaml:1: has a number or an escape that YAML cannot hold; write plain text",
    ),
    (b"a: " + b"[" * 100_000, "bad.yaml:1: is nested deeper than 16 levels; write it flatter"),
    (b"a: &a [*a]\n", "bad.yaml:1: is nested in itself; write the values out"),
    (
        b"a: [" + b"x, " * 20_001 + b"]\n",
        "bad.yaml:1: has more than 20000 values; write a smaller scenario",
    ),
    (
        b"a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + b"".join(
            b"%c: &%c [%s]\n" % (n + 1, n + 1, b", ".join([b"*%c" % n] * 10)) for n in b"abcd"
        ),
        "bad.yaml:1: has more than 20000 values; write a smaller scenario",
    ),
    (b" " * (LARGEST_FILE + 1), "bad.yaml: is larger than 1 MiB; a scenario is a short YAML file"),
]


@pytest.mark.parametrize(("data", "error"), CONTENTS, ids=[error for _, error in CONTENTS])
def test_a_file_that_is_no_scenario_is_refused(data: bytes, error: str, folder: Path) -> None:
    Path("bad.yaml").write_bytes(data)
    result = emu_check(Path("bad.yaml"))
    assert result.exit_code == 2
    assert result.stderr == error + "\n"


def test_a_path_that_is_no_readable_file_is_refused(folder: Path) -> None:
    Path("folder").mkdir()
    os.mkfifo("pipe")
    Path("loop").symlink_to("loop")
    remedy = "name a scenario file that can be read"
    errors = {
        "absent": f"no such file or directory; {remedy}",
        "folder": "is a directory; name a scenario file in it",
        "pipe": "is not a regular file; name a scenario file",
        "loop": f"too many levels of symbolic links; {remedy}",
        "x" * 300: f"file name too long; {remedy}",
    }
    for name, error in errors.items():
        result = emu_check(Path(name))
        assert (result.exit_code, result.stderr) == (2, f"{name}: {error}\n")


def test_every_error_is_told_at_once(folder: Path) -> None:
    text = GOOD.replace("duration: 10s", "duration: 10").replace("delay: 5ms", "dealy: 5")
    Path("bad.yaml").write_text(text.replace("{role: source}", "{role: tap}"), encoding="utf-8")
    choices = "write one of mn, source, server, i3-server, i3-client, member, host"
    assert emu_check(Path("bad.yaml")).stderr.splitlines() == [
        'bad.yaml:2: duration: "10" has no unit; write a duration such as 5ms',
        "bad.yaml:7: topology.backhaul.dealy: unknown key; did you mean delay?",
        f'bad.yaml:13: nodes.src.role: "tap" is not one of the choices; {choices}',
    ]


@pytest.mark.parametrize("command", ["check", "run", "shell"])
def test_the_command_ends_with_status_2_and_no_traceback(command: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(spoiled("at: 4s", "at: 4"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "emu", command, str(bad)],
        cwd=CHECKOUT,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 2
    error = 'events[0].at: "4" has no unit; write a duration such as 5ms'
    assert done.stderr == f"{bad}:21: {error}\n"
    assert done.stdout == ""


def _only_one_line_errors(data: bytes) -> None:
    problems: tuple[str, ...] = ()
    try:
        parse(data, "f")
    except ScenarioError as error:
        problems = error.problems
    for line in problems:
        assert line.startswith("f:")
        assert line.isprintable()
        line.encode()


@given(st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_else(data: bytes) -> None:
    _only_one_line_errors(data)


@given(st.text(alphabet=" \n\t-:?,[]{}#&*!|>'\"%@\\ab01x~\ufeff\u2028", max_size=60))
def test_arbitrary_yaml_punctuation_raises_nothing_else(text: str) -> None:
    _only_one_line_errors(text.encode())


@given(st.sampled_from(range(len(GOOD))), st.integers(0, 20), st.text(max_size=8))
def test_arbitrary_edits_of_a_good_scenario_raise_nothing_else(at: int, cut: int, put: str) -> None:
    _only_one_line_errors((GOOD[:at] + put + GOOD[at + cut :]).encode("utf-8", "replace"))


_KEYS = st.sampled_from(["[key]", *re.findall(r"\w+(?=:)", GOOD)])
_VALUES = st.recursive(
    st.none()
    | st.text(max_size=6)
    | st.sampled_from(["5ms", "mn", "mn1", "mar1", "ping", "multicast", "ff3e::1", "1%", "3"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_KEYS, _VALUES, max_size=6))
def test_arbitrary_values_in_the_schema_raise_nothing_else(data: dict[str, object]) -> None:
    _only_one_line_errors(yaml.safe_dump(data).encode())

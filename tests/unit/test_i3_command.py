"""``emu i3``: servers and clients by their files, as on ordinary machines."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from agents.i3.positions import distance, position_of
from agents.wire.i3 import Endpoint
from emu.cli import commands as emu_commands
from emu.i3_file import ClientFile, ServerFile, load, new_root
from emu.scenario import ScenarioError
from tests.patience import PATIENCE_S
from tests.unit.i3_processes import HERE, connected

SERVER = {"address": HERE, "key": "5e" * 32}
CLIENT = {"address": HERE, "known": [f"[{HERE}]:5610"], "root": "ab" * 32}
WITHOUT_THE_REST = """
import sys
ABSENT = ("mininet", "ryu", "os_ken", "eventlet", "pandas", "numpy", "matplotlib", "scapy", "dask")
sys.modules.update(dict.fromkeys(ABSENT))
from emu.__main__ import main
sys.exit(main())
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as some:
        some.bind((HERE, 0))
        return int(some.getsockname()[1])


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


class Nodes:
    """Servers and clients, in Pythons that find nothing of a lab."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, what: str, name: str, **content: Any) -> None:
        path = write(self.folder, name, content)
        command = [sys.executable, "-c", WITHOUT_THE_REST, "i3", what, str(path)]
        environment = {**os.environ, "EMU_CONTINUED": "1"}
        self.processes.append(subprocess.Popen(command, env=environment))

    def application(self, name: str) -> socket.socket:
        connection = connected(self.folder / f"{name}.i3", socket.SOCK_SEQPACKET)
        connection.settimeout(0.2)
        return connection


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    made = Nodes(tmp_path)
    yield made
    for process in made.processes:
        process.terminate()
    assert [process.wait(PATIENCE_S) for process in made.processes] == [0] * len(made.processes)


def test_a_group_on_one_machine(nodes: Nodes) -> None:
    ports = [free_port() for _ in range(3)]
    at = f"[{HERE}]:{ports[0]}"
    root = CliRunner().invoke(emu_commands, ["i3", "root", at]).output.strip()
    nodes.start("server", "s", port=ports[0], **SERVER)
    common = {"address": HERE, "known": [at], "root": root}
    nodes.start("client", "c0", port=ports[1], founder=True, **common)
    nodes.start("client", "c1", port=ports[2], **common)
    source, receiver = nodes.application("c0"), nodes.application("c1")
    deadline = time.monotonic() + PATIENCE_S
    got = b""
    while got != b"hello" and time.monotonic() < deadline:
        source.send(b"hello")
        try:
            got = receiver.recv(100)
        except TimeoutError:
            continue
    assert got == b"hello"


def test_a_server_has_the_root_that_is_made_for_it() -> None:
    place = position_of(Endpoint(socket.inet_pton(socket.AF_INET6, HERE) + (80).to_bytes(2, "big")))
    root, another = (new_root(f"[{HERE}]:80") for _ in range(2))
    assert root != another
    assert distance(int.from_bytes(root[:8], "big"), place) < 1 << 32


@pytest.mark.parametrize(
    ("kind", "changes", "complaint"),
    [
        (ServerFile, {"key": "secret"}, "key: is not 64 hexadecimal digits; write those of openssl "
         "rand -hex 32"),
        (ServerFile, {"key": " ".join(["5e"] * 32)}, "key: is not 64 hexadecimal digits; write "
         "those of openssl rand -hex 32"),
        (ServerFile, {"address": "host"}, 'address: "host" is no address; write an address of this '
         "host, such as 2001:db8::1"),
        (ServerFile, {"port": 0}, "port: 0 is too small; write 1 or more"),
        (ServerFile, {"known": ["::1"]}, 'known[0]: "::1" is not where a server is; write an '
         "address with a port, such as 192.0.2.1:5610 or [2001:db8::1]:5610"),
        (ServerFile, {"lifetime": "30"}, 'lifetime: "30" has no unit; write a duration such as '
         "5ms"),
        (ClientFile, {"recovery": "some"}, 'recovery: "some" is not one of the choices; write one '
         "of off, rel-loss, rel-random"),
        (ClientFile, {"founder": 3}, "founder: "),
        (ClientFile, {"root_number": 1}, "root_number: 1 is not less than roots; write roots: 2 or "
         "more"),
        (ClientFile, {"known": []}, "known: "),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_line(
    kind: type[ServerFile | ClientFile], changes: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    path = write(tmp_path, "x", {**(SERVER if kind is ServerFile else CLIENT), **changes})
    with pytest.raises(ScenarioError) as caught:
        load(path, kind)
    (line,) = caught.value.problems
    _, _, said = line.removeprefix(f"{path}:").partition(": ")
    assert said.startswith(complaint)


def test_commands_end_with_a_line_and_a_status(tmp_path: Path) -> None:
    def run(*words: object) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "emu", "i3", *map(str, words)],
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
        )
        assert not done.stdout
        return done.returncode, done.stderr

    remedy = "write an address with a port, such as 192.0.2.1:5610 or [2001:db8::1]:5610"
    assert run("root", "here") == (2, f'"here" is not where a server is; {remedy}\n')
    missing = tmp_path / "none.yaml"
    remedy = "name a scenario file that can be read"
    assert run("server", missing) == (2, f"{missing}: no such file or directory; {remedy}\n")
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as taken:
        taken.bind((HERE, 0))
        path = write(tmp_path, "s", {**SERVER, "port": taken.getsockname()[1]})
        status, said = run("server", path)
    assert status == 1
    assert said.startswith(f"{path}: ")
    assert "in use" in said
    assert len(said.splitlines()) == 1

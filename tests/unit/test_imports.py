"""Imports go one way: emu -> agents.roles -> agents.<protocol>, agents.kernel -> agents.wire."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT)
    for package in ("agents", "emu", "topologies")
    for path in (ROOT / package).rglob("*.py")
)
# A core gets time, input and randomness as arguments, and returns its output.
INPUT_AND_OUTPUT = {
    *("asyncio", "ctypes", "fcntl", "multiprocessing", "os", "pathlib", "pyroute2", "select"),
    *("selectors", "signal", "socket", "subprocess", "sys", "threading", "time"),
}


def package_of(module: str) -> str:
    """The part of the project that holds a module, such as "agents.wire" or "emu"."""
    names = module.split(".")
    return ".".join(names[:2]) if names[0] == "agents" else names[0]


def allowed(package: str) -> set[str]:
    """The packages under agents/ that a package may import besides itself."""
    if package in ("agents.wire", "agents.core", "agents.deadlines", "agents.transitions"):
        return set()
    if package == "agents.error_limit":
        return {"agents.core"}
    if package == "agents.kernel":
        return {"agents.wire"}
    # a protocol's core
    shared = {"agents.core", "agents.deadlines", "agents.error_limit", "agents.transitions"}
    return {"agents.wire", *shared}


def imported_modules(module: str, source: str) -> set[str]:
    """Absolute names of the modules, and of the names in them, that a source text imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: -node.level] if node.level else []
            base += [node.module] if node.module else []
            names |= {".".join([*base, alias.name]) for alias in node.names}
    return names


def violations(module: str, source: str) -> set[str]:
    """Imports of a module that go the wrong way, or that do I/O in a protocol core."""
    package = package_of(module)
    imported = imported_modules(module, source)
    if package in ("emu", "topologies"):
        return set()
    if package == "agents.roles":
        return {name for name in imported if package_of(name) in ("emu", "topologies")}
    ours = {name for name in imported if name.split(".")[0] in ("agents", "emu", "topologies")}
    wrong = {name for name in ours if package_of(name) not in {package, *allowed(package)}}
    if package != "agents.kernel":
        wrong |= {name for name in imported if name.split(".")[0] in INPUT_AND_OUTPUT}
    return wrong


def module_name(path: Path) -> str:
    """The name a file is imported by; a package is named as its __init__ module."""
    return ".".join(path.with_suffix("").parts)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_go_one_way(path: Path):
    assert violations(module_name(path), (ROOT / path).read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("agents.wire.mld", "from agents.core import Action", {"agents.core.Action"}),
        ("agents.wire.mld", "from .errors import MalformedPacket", set()),
        ("agents.wire.mld", "from ..kernel import sockets", {"agents.kernel.sockets"}),
        ("agents.mobility.mar", "from agents import core, wire", set()),
        ("agents.mobility.mar", "from agents.deadlines import Deadlines", set()),
        ("agents.deadlines", "from agents.core import Action", {"agents.core.Action"}),
        ("agents.mobility.mar", "import agents.multicast.mld", {"agents.multicast.mld"}),
        ("agents.mobility.mar", "def now():\n    import time", {"time"}),
        ("agents.kernel.sockets", "import socket\nimport agents.wire.ipv6", set()),
        ("agents.kernel.sockets", "from agents.roles import mar", {"agents.roles.mar"}),
        ("agents.roles.mar", "import agents.kernel, agents.mobility, asyncio", set()),
        ("agents.roles.mar", "from emu import events", {"emu.events"}),
        ("emu.doctor", "from agents.kernel import capabilities", set()),
    ],
)
def test_the_rule_itself(module: str, source: str, wrong: set[str]):
    assert violations(module, source) == wrong

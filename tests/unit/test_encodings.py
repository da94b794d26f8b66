"""Files and pipes are UTF-8, whatever the locale says: every text that is opened names it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT)
    for folder in ("agents", "emu", "topologies", "experiments", "bench", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
TEXTS = {"read_text", "write_text"}
OPENERS = {"open", "fdopen", "makefile"}
TEMPORARY = {"NamedTemporaryFile", "TemporaryFile"}
"""Binary, unless a mode says otherwise."""
MODES = set("rwaxbt+")


def by_locale(source: str) -> Iterator[str]:
    """The calls in a source text that read or write text as the locale has it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _is_text(node):
            keywords = {keyword.arg for keyword in node.keywords}
            if "encoding" not in keywords:
                yield f"line {node.lineno}: {ast.unparse(node)}"


def _is_text(call: ast.Call) -> bool:
    """Whether a call gives or takes text: strings in a file, a pipe or a process."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
    if name in TEMPORARY:
        return "b" not in (_mode(call) or "b")
    if name in OPENERS and ast.unparse(call.func) != "os.open":
        return "b" not in _mode(call)
    return name in TEXTS or any(keyword.arg == "text" for keyword in call.keywords)


def _mode(call: ast.Call) -> str:
    """The mode of a call that opens; "b" for one of another kind, such as that of a session."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    texts = [arg.value for arg in given if isinstance(arg, ast.Constant)]
    modes = [text for text in texts if isinstance(text, str) and set(text) <= MODES]
    takes_a_path = isinstance(call.func, ast.Name) or ast.unparse(call.func) == "os.fdopen"
    return modes[0] if modes else "b" if call.args and not takes_a_path else ""


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_text_names_its_encoding(path: Path):
    assert list(by_locale((ROOT / path).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "call",
    [
        "path.read_text()",
        "path.write_text(text)",
        "path.open()",
        "path.open('w')",
        "open(path)",
        "open(path, 'a')",
        "tempfile.NamedTemporaryFile('w')",
        "connection.makefile()",
        "subprocess.run(command, text=True)",
    ],
)
def test_the_rule_itself(call: str):
    assert list(by_locale(call)) == [f"line 1: {call}"]
    named = call[:-1] + ("" if call.endswith("()") else ", ") + "encoding='utf-8')"
    assert list(by_locale(named)) == []


@pytest.mark.parametrize(
    "call",
    [
        "open(path, 'rb')",
        "path.open('ab')",
        "os.open(path, 0)",
        "sessions.open(node)",
        "tempfile.TemporaryFile(dir=folder)",
    ],
)
def test_what_is_no_text(call: str):
    assert list(by_locale(call)) == []

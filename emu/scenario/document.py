"""A YAML file as plain data that knows its lines.

Every scalar is text: the schema says what it means, so ``dad: off`` is the word off and not false.
A scalar that is left out, ``~`` or ``null`` is None.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml
from yaml.composer import Composer
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.parser import Parser
from yaml.reader import Reader, ReaderError
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from emu.scenario.errors import Path, Problem, ScenarioError, quote

DEEPEST = 16
"""Levels of nesting; the schema has five."""
MOST_VALUES = 20_000
"""Values once aliases are expanded, so that a small file cannot grow into a huge scenario."""

_TOO_DEEP = f"is nested deeper than {DEEPEST} levels; write it flatter"
_TOO_LARGE = f"has more than {MOST_VALUES} values; write a smaller scenario"
_PLAIN_TAGS = {
    BaseResolver.DEFAULT_SCALAR_TAG,
    BaseResolver.DEFAULT_SEQUENCE_TAG,
    BaseResolver.DEFAULT_MAPPING_TAG,
}
_WRITTEN_NULL = ("", "~", "null")


class _TooMuch(Exception):
    """The document is larger than any scenario: on which line, and in what way."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line


class _Loader(Reader, Scanner, Parser, Composer, BaseResolver):
    """PyYAML up to the node tree, with no implicit types, of bounded depth and size."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        BaseResolver.__init__(self)
        self._depth = 0
        self._values = 0

    def compose_node(self, parent: Node | None, index: int) -> Node | None:
        """As PyYAML does, but not without end."""
        self._depth += 1
        self._values += 1
        if self._depth > DEEPEST:
            raise _TooMuch(self.line + 1, _TOO_DEEP)
        if self._values > MOST_VALUES:
            raise _TooMuch(self.line + 1, _TOO_LARGE)
        node: Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


@dataclass
class Document:
    """The data of a YAML file, the line of each value, and what the YAML itself has wrong."""

    file: str
    value: object = None
    problems: list[Problem] = field(default_factory=list)
    _lines: dict[Path, int] = field(default_factory=lambda: {(): 1})

    @classmethod
    def parse(cls, data: bytes, file: str) -> Document:
        """Reads a file's bytes; raises `ScenarioError` for what is not a YAML mapping at all."""
        root = _compose(_decode(data, file), file)
        if root is None:
            raise ScenarioError([f"{file}: is empty; write a scenario: name, duration, topology"])
        document = cls(file)
        if not isinstance(root, MappingNode):
            kind = "a list" if isinstance(root, SequenceNode) else quote(root.value)
            line = root.start_mark.line + 1
            raise ScenarioError(
                [f"{file}:{line}: holds {kind}; write keys and values, such as duration: 12s"]
            )
        document.value = document._convert(root, ())
        return document

    def line(self, path: Path) -> int:
        """The line of the value at a path, or of the nearest one that holds it."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _convert(self, node: Node, path: Path) -> object:
        if len(path) > DEEPEST:
            raise self._refusal(node, "is nested in itself; write the values out")
        if len(self._lines) > MOST_VALUES:
            raise self._refusal(node, _TOO_LARGE)
        self._lines.setdefault(path, node.start_mark.line + 1)
        if node.tag not in _PLAIN_TAGS:
            self.problems.append(Problem(path, f"has the tag {quote(node.tag)}; leave the tag out"))
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._convert(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode) or not key_node.value.isprintable():
                raise self._refusal(key_node, "has a key that is not plain text; write a word")
            key = key_node.value
            here = (*path, key)
            if key in values:
                text = f"is written twice, again on line {line}; leave one out"
                self.problems.append(Problem(here, text))
                continue
            self._lines[here] = line
            values[key] = self._convert(value_node, here)
        return values

    def _scalar(self, node: Node, path: Path) -> str | None:
        text = str(node.value)
        if getattr(node, "style", None) is None and text in _WRITTEN_NULL:
            return None
        if not text.isprintable():
            self.problems.append(Problem(path, f"{quote(text)} is not plain text on one line"))
        return text

    def _refusal(self, node: Node, text: str) -> ScenarioError:
        return ScenarioError([f"{self.file}:{node.start_mark.line + 1}: {text}"])


def _decode(data: bytes, file: str) -> str:
    if b"\0" in data:
        raise ScenarioError([f"{file}: is binary data; name a YAML scenario"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = data[error.start]
        raise ScenarioError(
            [f"{file}:{line}: byte 0x{byte:02x} is not UTF-8; save the file as UTF-8"]
        ) from None


def _compose(text: str, file: str) -> Node | None:
    """The node tree of the one document in a text; None when there is none."""
    try:
        loader = _Loader(text)
        root: Node | None = loader.get_single_node()
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"the character U+{ord(text[error.position]):04X} is not allowed; leave it out"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problem = _plain(error.problem or "", error.context or "")
    except _TooMuch as error:
        line, problem = error.line, str(error)
    except (ValueError, OverflowError):
        line, problem = 1, "has a number or an escape that YAML cannot hold; write plain text"
    else:
        return root
    raise ScenarioError([f"{file}:{line}: {problem}"])


def _plain(problem: str, context: str) -> str:
    """PyYAML's complaint in this project's words where a common slip caused it."""
    if "'\\t'" in problem:
        return "has a tab; indent with spaces"
    if "expected a single document" in context:
        return "starts a second document; write one scenario a file"
    if "undefined alias" in problem:
        return f"{problem.replace('found ', 'has an ')}; write the values out"
    if "mapping values are not allowed" in problem:
        return "has a colon or an indent out of place; write key: value in line with the others"
    where = f" {context}" if context else ""
    return f"is not YAML ({' '.join(f'{problem}{where}'.split())}); mend the line"

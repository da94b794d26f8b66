"""A user's own channel policy: a class in a Python file of theirs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from agents.control.policies import Policy, Question, make_policy
from agents.wire.channel import ChannelScope


class PolicyError(ValueError):
    """A user's policy cannot be used; the text says which and why."""


def policy(name: str, parameters: dict[str, Any]) -> Policy:
    """The policy of a name, or a user's own: ``/path/to/file.py:ClassName``.

    A user's class is made with the parameters as keyword arguments.
    """
    path, _, class_name = name.rpartition(":")
    return _UsersPolicy(path, class_name, parameters) if path else make_policy(name, parameters)


class _UsersPolicy:
    """A user's policy, whose answers are checked."""

    def __init__(self, path: str, class_name: str, parameters: dict[str, Any]) -> None:
        spec = importlib.util.spec_from_file_location(Path(path).stem, path)
        if spec is None or spec.loader is None:
            raise PolicyError(f"{path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if not hasattr(module, class_name):
            raise PolicyError(f"{path} has no class {class_name}")
        self._policy = getattr(module, class_name)(**parameters)
        self._name = f"{path}:{class_name}"

    @property
    def reusable(self) -> bool:
        """Asked anew for every question unless the user's class says that it need not be."""
        return bool(getattr(self._policy, "reusable", False))

    def decide(self, question: Question) -> ChannelScope:
        """What the user's policy says, when that is a scope."""
        decision = self._policy.decide(question)
        if not isinstance(decision, ChannelScope):
            raise PolicyError(f"{self._name} decided {decision!r}, which is no ChannelScope")
        return decision

"""The channel policy that decides: the toolkit's, another package's, or a user's own."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from agents.control.policies import Policy, Question
from agents.wire.channel import ChannelScope


class PolicyError(ValueError):
    """A policy cannot be used; the text says which and why."""


def policy(name: str, parameters: dict[str, Any]) -> Policy:
    """What ``module:maker``, or ``/path/to/file.py:ClassName``, makes of the parameters."""
    place, _, maker = name.rpartition(":")
    module = _run(place) if place.endswith(".py") else importlib.import_module(place)
    if not hasattr(module, maker):
        raise PolicyError(f"{place} has no class {maker}")
    return _Checked(getattr(module, maker)(**parameters), name)


def _run(path: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise PolicyError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Checked:
    """A policy, whose answers are checked."""

    def __init__(self, policy: Policy, name: str) -> None:
        self._policy = policy
        self._name = name

    @property
    def reusable(self) -> bool:
        """Asked anew for every question unless the policy's class says that it need not be."""
        return bool(getattr(self._policy, "reusable", False))

    def decide(self, question: Question) -> ChannelScope:
        """What the policy says, when that is a scope."""
        decision = self._policy.decide(question)
        if not isinstance(decision, ChannelScope):
            raise PolicyError(f"{self._name} decided {decision!r}, which is no ChannelScope")
        return decision

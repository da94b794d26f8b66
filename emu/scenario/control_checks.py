"""What a valid scenario must also keep in its channel control."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from pathlib import Path as FilePath

from emu.extensions import is_there
from emu.scenario.channel_policies import POLICIES
from emu.scenario.errors import Path, Problem, one_of, quote, suggest
from emu.scenario.events import PolicyChange
from emu.scenario.model import Scenario
from emu.scenario.multicast import MULTI_UPSTREAM, ChannelControl
from emu.scenario.multicast_scheme import MULTICAST_SCHEMES, having
from emu.scenario.names import wrong_channel
from emu.scenario.policies import own, policies

_CONTROL: Path = ("multicast", "channel_control")


def check_channel_control(scenario: Scenario) -> Iterator[Problem]:
    """What contradicts the scheme or the policy, and names that are not channels."""
    multicast = scenario.multicast
    keys = MULTICAST_SCHEMES.find(multicast.scheme).keys
    for key, used in (
        ("context_transfer", multicast.context_transfer != "off"),
        ("predictive", multicast.predictive != "off"),
        ("channel_control", multicast.channel_control is not None),
        ("explicit_tracking", multicast.explicit_tracking and multicast.scheme == "none"),
    ):
        if used and key not in keys:
            remedy = f"write scheme: {one_of(having(key) or [MULTI_UPSTREAM])}, or leave it out"
            text = f"does nothing in the scheme {multicast.scheme}; {remedy}"
            yield Problem(("multicast", key), text)
    if "channel_control" in keys and multicast.channel_control is None:
        text = "has no value; write channel_control: {at: cmd, policy: static}"
        yield Problem(_CONTROL, text)
    elif multicast.channel_control is not None:
        yield from _policy(multicast.channel_control, set(policies(scenario).values()))
        for key in ("channels", "delays"):
            for name in getattr(multicast.channel_control, key):
                yield from wrong_channel(scenario, name, (*_CONTROL, key, name))


def wrong_change(scenario: Scenario, event: PolicyChange, path: Path) -> Iterator[Problem]:
    """What is wrong with a live change of what is set."""
    yield from without_control(scenario, (*path, "policy"))
    if not event.policy:
        yield Problem((*path, "policy"), "changes nothing; write policy: {C1: local}")
    for name in event.policy:
        yield from wrong_channel(scenario, name, (*path, "policy", name))


def without_control(scenario: Scenario, path: Path) -> Iterator[Problem]:
    """An event of a channel control that there is not."""
    if scenario.multicast.channel_control is None:
        text = f"there is no channel control; write multicast: {{scheme: {MULTI_UPSTREAM}}}"
        yield Problem(path, text)


def check_own_policy(scenario: Scenario, folder: FilePath) -> Iterator[Problem]:
    """A user's own policies must be in the folder of the scenario, or below."""
    for path, policy in policies(scenario).items():
        if found := own(policy):
            yield from _own_policy(*found, folder, path)


def _own_policy(file: str, class_name: str, folder: FilePath, path: Path) -> Iterator[Problem]:
    where = "write the path of a Python file from the scenario's folder on"
    if FilePath(file).is_absolute() or ".." in FilePath(file).parts:
        yield Problem(path, f"{quote(file)} is not below the scenario's folder; {where}")
        return
    try:
        module = ast.parse((folder / file).read_bytes())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        yield Problem(path, f"{quote(file)} cannot be read ({reason}); {where}")
        return
    except (SyntaxError, ValueError):
        yield Problem(path, f"{quote(file)} is not Python; mend it")
        return
    classes = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
    if class_name not in classes:
        text = f"{quote(file)} has no class {quote(class_name)}; {suggest(class_name, classes)}"
        yield Problem(path, text)


def _policy(control: ChannelControl, used: Set[str]) -> Iterator[Problem]:
    """Keys that belong to a policy that is never used, or to an MCC that there is not."""
    declared = {policy: POLICIES.find(policy) for policy in used if own(policy) is None}
    for policy, one in declared.items():
        module = one.made_by.partition(":")[0]
        if not is_there(module):
            text = f"the declaration of {policy} is not whole: there is no module {module}; mend it"
            yield Problem((*_CONTROL, "policy"), text)
    for policy, one in POLICIES.all().items():
        for key in sorted({*(one.keys or ())} & control.model_fields_set - {"default"}):
            if policy not in used:
                text = f"is for policy: {policy} only; leave it out of policy: {control.policy}"
                yield Problem((*_CONTROL, key), text)
    if control.at == "mar":
        for key, used_all_the_same in (("timeout", False), ("default", "static" in used)):
            if key in control.model_fields_set and not used_all_the_same:
                text = "is for an MCC that does not answer; leave it out of at: mar"
                yield Problem((*_CONTROL, key), text)
    takes = [policy for policy in used if own(policy) or declared[policy].keys is None]
    if control.parameters and not takes:
        text = f"are for a policy of your own; leave them out of policy: {control.policy}"
        yield Problem((*_CONTROL, "parameters"), text)

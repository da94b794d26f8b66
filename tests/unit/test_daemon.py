"""The loop of every agent: what a callback or its thread raises ends it, and is its last word."""

from __future__ import annotations

import json
import subprocess
import sys
from enum import Enum
from tempfile import TemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.core import Action, Log
from agents.roles.daemon import Daemon
from agents.roles.hook import Hook
from agents.transitions import StateMachine, Transition
from tests.patience import PATIENCE_S

PROGRAM = """
import os
from agents.core import Log
from agents.roles.daemon import Daemon

daemon = Daemon("mar1", "/dev/null")
reader, writer = os.pipe()
os.write(writer, b"packet")

def fail():
    raise ValueError("the kernel has no room")

class Alarm:
    def next_deadline(self):
        return 1

    def timer(self, now):
        fail()

{how}
daemon.run(lambda: print("last words"))
"""


class Idle:
    """A core that waits for nothing."""

    def next_deadline(self):
        return None

    def timer(self, now):
        return []


@pytest.mark.parametrize(
    "how",
    [
        "daemon.watch(reader, fail)",
        "daemon.soon(fail)",
        "daemon.carry_out(Alarm(), [])",
        "daemon.after(0.01, fail); daemon.watch(reader, lambda: os.read(reader, 1))",
        "daemon.aside(fail)",
        "daemon.soon(lambda: daemon.aside(fail))",
    ],
)
def test_an_agent_that_fails_ends_and_says_why(how):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(how=how)],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: the kernel has no room"
    assert not done.stdout


def test_an_agent_whose_thread_fails_at_the_end_says_so_too():
    how = "import signal; daemon.soon(lambda: os.kill(os.getpid(), signal.SIGTERM))"
    program = PROGRAM.format(how=how).replace('print("last words")', "daemon.aside(fail)")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=PATIENCE_S
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: the kernel has no room"


@pytest.mark.parametrize(
    "how",
    [
        "daemon.watch(reader, lambda: (os.read(reader, 9), wrong()))",
        "daemon.soon(wrong)",
        "core = Alarm(); core.timer = lambda now: wrong(); daemon.carry_out(core, [])",
    ],
)
def test_an_agent_goes_on_after_what_its_state_does_not_expect(how):
    """It is told by a packet, by another part, by its own alarm."""
    program = f"""
import signal
from agents.transitions import NoSuchTransition

def wrong():
    Alarm.next_deadline = lambda self: None
    daemon.soon(lambda: os.kill(os.getpid(), signal.SIGTERM))
    raise NoSuchTransition("from RED to BLUE")

{how}
"""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("/dev/null", "/dev/stdout").format(how=program)],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    _, unexpected, last_words, stopped = done.stdout.splitlines()
    assert json.loads(unexpected)["why"] == "from RED to BLUE"
    assert last_words == "last words"
    assert json.loads(stopped)["unexpected"] == 1


class Light(Enum):
    """The states of a machine."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"


WAYS = st.sets(st.tuples(st.sampled_from(Light), st.sampled_from(Light)))


@given(WAYS, st.lists(st.sampled_from(Light)))
def test_whatever_comes_in_whatever_state_the_rest_is_carried_out(allowed, events):
    class Come(Action):
        def __init__(self, event):
            self.event = event

    class Core(Idle):
        state = Light.RED

        def receive(self, event):
            self.state = machine.follow(self.state, event)
            return [Log("came", {"to": event})]

    machine = StateMachine(tuple(Transition(*way, "it comes") for way in allowed))
    core, outer, state, expected = Core(), Idle(), Light.RED, []
    for event in events:
        wrong = state is not event and (state, event) not in allowed
        state = state if wrong else event
        expected += ["unexpected" if wrong else "came", "told"]
    with TemporaryFile() as log:
        daemon = Daemon("mar1", log.fileno())
        daemon.on(Come, lambda come: daemon.carry_out(core, core.receive(come.event)))
        daemon.carry_out(outer, [a for event in events for a in (Come(event), Log("told"))])
        log.seek(0)
        assert [json.loads(line)["kind"] for line in log] == expected
    assert core.state is state


def test_who_asked_is_told_in_the_order_of_asking():
    told = []
    hook = Hook()
    hook("nobody hears")
    hook.add(lambda what: told.append(("first", what)))
    hook.add(lambda what: told.append(("second", what)))
    hook("it")
    assert told == [("first", "it"), ("second", "it")]


def test_each_who_asked_carries_an_action_out_and_what_nobody_knows_is_a_fault():
    class Known(Action):
        pass

    class Unheeded(Action):
        pass

    class Unknown(Action):
        pass

    told = []
    daemon = Daemon("mar1", "/dev/null")
    daemon.need_not(Known, Unheeded)
    daemon.on(Known, lambda action: told.append("first"))
    daemon.on(Known, lambda action: told.append("second"))
    daemon.carry_out(Idle(), [Known(), Unheeded()])
    assert told == ["first", "second"]
    with pytest.raises(KeyError):
        daemon.carry_out(Idle(), [Unknown()])

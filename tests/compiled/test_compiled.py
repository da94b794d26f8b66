"""What ``make compiled`` has made plays all that Python plays, octet by octet."""

import emu.simulator  # first: what is loaded after it is machine code, if there is some
from agents import deadlines
from agents.i3 import chord, member, server
from emu.simulator import engine, i3
from tests.unit import test_i3_same

test_messages = test_i3_same.test_all_messages_of_a_small_session_are_what_they_were


def test_it_is_machine_code_that_is_tested():
    assert emu.simulator.compiled.is_used(), "make compiled makes it"
    parts = (deadlines, chord, member, server, engine, i3)
    assert not [part for part in parts if part.__file__.endswith(".py")]

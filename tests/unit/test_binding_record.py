"""What the CMD stores of an entry is all that a restart needs, and damage is noticed."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.core import SECOND
from agents.mobility.binding import Binding
from agents.mobility.binding_record import MalformedRecord, pack, unpack
from agents.mobility.config import CmdConfig
from agents.mobility.context import Context
from agents.mobility.informer import Informer
from agents.wire.mld import AddressRecord, RecordType
from tests.unit.mobility_nodes import CMD, T0, anchor, mar_address

addresses = st.ip_addresses(v=6).filter(lambda address: address.ipv4_mapped is None)
records = st.builds(
    AddressRecord,
    st.sampled_from([RecordType.MODE_IS_INCLUDE, RecordType.MODE_IS_EXCLUDE]),
    addresses,
    st.lists(addresses, max_size=3).map(tuple),
)
timestamps = st.integers(0, 2**63 - 1)
contexts = st.builds(
    Context,
    st.integers(1, 9).map(mar_address),
    timestamps,
    timestamps,
    st.lists(records, max_size=3).map(tuple),
)


@given(
    st.lists(st.integers(1, 9), unique=True, max_size=9),
    st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.booleans())),
    st.just(Context()) | contexts,
    timestamps,
    st.integers(0, 65535),
)
def test_an_entry_comes_back_as_it_was(anchors, debts, context, timestamp, sequence):
    binding = Binding("mn1", timestamp, sequence, mar_address(1), 300)
    for number in anchors:
        binding.anchors.add(anchor(number))
    binding.update_sequence = binding.change = sequence
    binding.context = context
    informer = Informer(CmdConfig(CMD))
    for number, gone, asks in debts:
        there = None if gone else binding.serving
        informer.tell(binding, anchor(number), there, 7 * SECOND, asks)
    found, owed = unpack("mn1", pack(binding))
    assert {debt.anchor: (debt.serving, debt.asks) for debt in owed} == {
        task.anchor: (task.serving, task.asks) for task in binding.tasks.values()
    }
    binding.tasks = {}
    assert found == binding
    assert [each.address for each in found.anchors] == [mar_address(n) for n in anchors]


@given(st.binary(max_size=300))
def test_any_octets_are_a_record_or_malformed(octets):
    with suppress(MalformedRecord):
        binding, _ = unpack("mn1", octets)
        assert binding.identifier == "mn1"


def test_a_record_that_is_cut_off_is_malformed():
    binding = Binding("mn1", T0, 1, mar_address(1), 300)
    binding.anchors.add(anchor(1))
    record = pack(binding)
    for length in range(len(record)):
        with pytest.raises(MalformedRecord):
            unpack("mn1", record[:length])

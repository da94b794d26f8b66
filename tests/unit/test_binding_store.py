"""The CMD's store: what it was told is there for the next one; what it cannot read stops it."""

import sqlite3

import pytest

from agents.core import SECOND
from agents.mobility.actions import Forget, Store
from agents.roles.binding_store import BindingStore
from tests.unit.mobility_nodes import T0, cmd, mar_address, pbu


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "cmd.sqlite")


def carry_out(store, actions):
    for action in actions:
        if isinstance(action, Store):
            store.store(action)
        elif isinstance(action, Forget):
            store.forget(action)


def test_a_new_cmd_has_what_the_one_before_had(path):
    store, core = BindingStore(path), cmd()
    for number in (1, 2):
        now = T0 + number * SECOND
        carry_out(store, core.receive(pbu(number, 1, now), mar_address(number), now))
    # The one before was killed: it has closed nothing.
    restarted = cmd()
    BindingStore(path).restore(restarted, T0 + 9 * SECOND)
    assert restarted.bindings() == core.bindings() != {}


def test_what_is_over_is_not_kept(path):
    store, core = BindingStore(path), cmd()
    carry_out(store, core.receive(pbu(1, 1, T0), mar_address(1), T0))
    carry_out(store, core.receive(pbu(1, 2, T0, lifetime=0), mar_address(1), T0))
    carry_out(store, core.timer(T0 + 60 * SECOND))
    (count,) = sqlite3.connect(path).execute("SELECT count(*) FROM binding").fetchone()
    assert count == 0


def test_each_answer_is_on_the_disk_when_it_is_given(path):
    store, core = BindingStore(path), cmd()
    carry_out(store, core.receive(pbu(1, 1, T0), mar_address(1), T0)[:2])
    rows = sqlite3.connect(path).execute("SELECT identifier FROM binding").fetchall()
    assert rows == [("mn1",)]
    (level,) = store._database.execute("PRAGMA synchronous").fetchone()
    assert level == 2  # FULL


def stopped(path, act=lambda store: store.restore(cmd(), T0)):
    """The one line with which the store ends the process."""
    with pytest.raises(SystemExit) as stop:
        act(BindingStore(path))
    line = str(stop.value.code)
    assert path in line
    assert "\n" not in line
    return line


def test_a_file_that_is_no_database(path):
    with open(path, "wb") as file:
        file.write(b"never a database" * 100)
    assert "not a database" in stopped(path)


def test_a_database_of_another_program(path):
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE holiday (photo BLOB)")
    assert "not a store of this version" in stopped(path)


def test_a_store_of_another_version(path):
    BindingStore(path)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=77")
    assert "not a store of this version" in stopped(path)


def test_an_entry_that_is_damaged(path):
    store = BindingStore(path)
    store.store(Store("mn1", b"\x01\x02\x03"))
    assert "the entry of mn1 is damaged" in stopped(path)


def test_a_damaged_page(path):
    store = BindingStore(path)
    for number in range(200):
        store.store(Store(f"mn{number}", bytes(100)))
    store._database.close()
    with open(path, "r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xff" * 4096)
    assert "cannot be used" in stopped(path)


def test_a_directory_that_is_not_there(tmp_path):
    assert "unable to open" in stopped(str(tmp_path / "no" / "cmd.sqlite"))


def test_a_store_that_can_no_longer_be_written(path):
    def write(store):
        store._database.execute("DROP TABLE binding")
        store.store(Store("mn1", b""))

    assert "cannot be used" in stopped(path, write)

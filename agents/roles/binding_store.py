"""Where a CMD keeps its entries so that they outlive it: one SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from agents.core import Action
from agents.mobility.actions import Forget, Store
from agents.mobility.binding_record import MalformedRecord

_FORMAT = 3
"""Of the records; the file has it as its ``user_version``."""


class StoredCore(Protocol):
    """A core that goes on with what another one had stored."""

    def restore(self, records: Iterable[tuple[str, bytes]], now: int) -> list[Action]:
        """Begin with these entries; MalformedRecord for what nobody stored."""


class BindingStore:
    """The entries of one CMD by the mobile nodes' identifiers.

    What a method has done is on the disk when it returns (WAL, synchronous=FULL). A file that
    cannot be read or written ends the process with one line that says why: nobody shall be told
    what is not stored, and to try again would not help.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with self._or_stop():
            self._database = sqlite3.connect(path, isolation_level=None)
            self._check()
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=FULL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS binding "
                "(identifier TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID"
            )
            self._database.execute(f"PRAGMA user_version={_FORMAT}")

    def restore(self, core: StoredCore, now: int) -> list[Action]:
        """Give a new core what is stored; its actions."""
        with self._or_stop():
            entries = self._database.execute("SELECT identifier, record FROM binding").fetchall()
            return core.restore(entries, now)

    def store(self, action: Store) -> None:
        """Keep an entry, in the place of what there was."""
        with self._or_stop():
            self._database.execute(
                "INSERT OR REPLACE INTO binding VALUES (?, ?)", (action.identifier, action.record)
            )

    def forget(self, action: Forget) -> None:
        """Strike an entry off."""
        with self._or_stop():
            self._database.execute("DELETE FROM binding WHERE identifier = ?", (action.identifier,))

    def _check(self) -> None:
        """Refuse a damaged file, and what another program has written."""
        (found,) = self._database.execute("PRAGMA quick_check").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError("the file is damaged")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        (tables,) = self._database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if version != (_FORMAT if tables else 0):
            raise sqlite3.DatabaseError("the file is not a store of this version of the CMD")

    @contextmanager
    def _or_stop(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, MalformedRecord) as error:
            remedy = "mend it, or move it away to start with no binding"
            raise SystemExit(f"the store {self._path} cannot be used: {error}; {remedy}") from None

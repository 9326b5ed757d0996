"""The notes, and what is known of the users whose they are.

Everything that has to hold together is one transaction that takes the write
lock at its beginning, so that of two processes one comes after the other.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

KIND = "notes"
"""What this service calls what it keeps."""

BATCH = 500
"""How many notes one transaction erases at the most, so that others get a turn."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS subject (
    user_id     TEXT PRIMARY KEY,
    incarnation INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    admin       INTEGER NOT NULL,
    state       TEXT NOT NULL,
    must_change INTEGER NOT NULL,
    erased      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS note (
    id         INTEGER PRIMARY KEY,
    user_id    TEXT NOT NULL REFERENCES subject (user_id),
    text       TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS note_user ON note (user_id, id);
CREATE TABLE IF NOT EXISTS inbox (
    event_id     TEXT PRIMARY KEY,
    counts       TEXT NOT NULL,
    completed_at TEXT NOT NULL
) STRICT;
"""

ACTIVE, DISABLED, DELETED = "active", "disabled", "deleted"


@dataclass(frozen=True)
class Subject:
    """A user as identity describes them."""

    user_id: str
    incarnation: int
    number: int
    epoch: int = 0
    admin: bool = False
    state: str = ACTIVE
    must_change: bool = False

    @property
    def version(self) -> tuple[int, int]:
        """Compared by incarnation first. (0, 0) is older than any."""
        return (self.incarnation, self.number)


@dataclass(frozen=True)
class Done:
    """What was answered to an event: how much was erased, and when."""

    counts: dict[str, int]
    at: datetime


@dataclass(frozen=True)
class Note:
    """One note."""

    id: int
    text: str
    created_at: str


class Deleted(Exception):
    """The user is deleted: nothing can be kept of them any more."""


class Store:
    """The database."""

    def __init__(self, path: Path) -> None:
        # Transactions are begun here, by hand.
        self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
        self._db.execute("PRAGMA journal_mode = WAL")
        # A receipt must not be sent for what a power cut undoes.
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Closes it."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def write(self, user_id: str, texts: list[str]) -> None:
        """Keeps notes for a user, unless they are deleted. A user never heard of
        may be new: whoever calls knows them."""
        with self._transaction():
            # In the same transaction: no deletion can come in between.
            if self._merge(Subject(user_id, 0, 0)).state == DELETED:
                raise Deleted(user_id)
            now = datetime.now(UTC).isoformat()
            self._db.executemany(
                "INSERT INTO note (user_id, text, created_at) VALUES (?, ?, ?)",
                [(user_id, text, now) for text in texts],
            )

    def answered(self, event_id: str) -> Done | None:
        """What was answered to an event that has been carried out before."""
        row = self._db.execute(
            "SELECT counts, completed_at FROM inbox WHERE event_id = ?", (event_id,)
        ).fetchone()
        return None if row is None else Done(json.loads(row[0]), datetime.fromisoformat(row[1]))

    def take_in(self, event_id: str, subject: Subject) -> Done:
        """Takes in a user's new state; the answer is kept with it."""
        with self._transaction():
            self._merge(subject)
            return self._record(event_id, {})

    def merge(self, subject: Subject) -> None:
        """Takes in a user's state. From the commit of one that says deleted on
        nothing is kept for the user, not even for one who was never heard of."""
        with self._transaction():
            self._merge(subject)

    def erase(self, user_id: str) -> int:
        """Erases some notes of a user who is marked; answers how many."""
        with self._transaction():
            return self._erase(user_id)[0]

    def erase_for(self, event_id: str, user_id: str) -> Done | None:
        """The same on behalf of an event. The last time, which finds none, the
        answer is kept in the same transaction."""
        with self._transaction():
            erased, total = self._erase(user_id)
            return None if erased else self._record(event_id, {KIND: total})

    def count(self, user_id: str) -> int:
        """How many notes there are of a user."""
        row = self._db.execute("SELECT count(*) FROM note WHERE user_id = ?", (user_id,))
        return int(row.fetchone()[0])

    def count_all(self) -> int:
        """How many notes there are."""
        return int(self._db.execute("SELECT count(*) FROM note").fetchone()[0])

    def page(self, user_id: str, after: int, size: int) -> list[Note]:
        """Some notes of a user behind one of them, in the order of creation."""
        rows = self._db.execute(
            "SELECT id, text, created_at FROM note WHERE user_id = ? AND id > ?"
            " ORDER BY id LIMIT ?",
            (user_id, after, size),
        )
        return [Note(*row) for row in rows]

    def subjects(self, after: str, size: int) -> list[Subject]:
        """Some of the users who are known, behind one of them, by id."""
        rows = self._db.execute(
            "SELECT user_id, incarnation, number, epoch, admin, state, must_change"
            " FROM subject WHERE user_id > ? ORDER BY user_id LIMIT ?",
            (after, size),
        )
        return [subject_of(row) for row in rows]

    def _erase(self, user_id: str) -> tuple[int, int]:
        """How many notes were erased now, and how many in all."""
        erased = self._db.execute(
            "DELETE FROM note WHERE id IN (SELECT id FROM note WHERE user_id = ? LIMIT ?)",
            (user_id, BATCH),
        ).rowcount
        # Counted here, so that an end in the middle forgets none of them.
        (total,) = self._db.execute(
            "UPDATE subject SET erased = erased + ? WHERE user_id = ? RETURNING erased",
            (erased, user_id),
        ).fetchone()
        return erased, total

    def _merge(self, subject: Subject) -> Subject:
        """Takes a state in if it is newer, and answers the one that holds. A
        deletion is final, whatever the versions say."""
        row = self._db.execute(
            "SELECT user_id, incarnation, number, epoch, admin, state, must_change"
            " FROM subject WHERE user_id = ?",
            (subject.user_id,),
        ).fetchone()
        known = None if row is None else subject_of(row)
        if known is not None:
            newer = subject.version > known.version or subject.state == DELETED
            if known.state == DELETED or not newer:
                return known
        self._db.execute(
            "INSERT INTO subject (user_id, incarnation, number, epoch, admin, state, must_change)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE SET"
            " incarnation = excluded.incarnation, number = excluded.number,"
            " epoch = max(epoch, excluded.epoch), admin = excluded.admin,"
            " state = excluded.state, must_change = excluded.must_change",
            (
                subject.user_id,
                subject.incarnation,
                subject.number,
                subject.epoch,
                subject.admin,
                subject.state,
                subject.must_change,
            ),
        )
        return subject

    def _record(self, event_id: str, counts: dict[str, int]) -> Done:
        # Another process of this service may have been faster: its answer stands.
        if known := self.answered(event_id):
            return known
        done = Done(counts, datetime.now(UTC))
        self._db.execute(
            "INSERT INTO inbox (event_id, counts, completed_at) VALUES (?, ?, ?)",
            (event_id, json.dumps(counts), done.at.isoformat()),
        )
        return done


def subject_of(row: tuple[str, int, int, int, int, str, int]) -> Subject:
    """A row of the table."""
    user_id, incarnation, number, epoch, admin, state, must_change = row
    return Subject(user_id, incarnation, number, epoch, bool(admin), state, bool(must_change))

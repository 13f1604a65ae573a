"""The store's tables, with their version."""

from __future__ import annotations

import sqlite3

from mailsim.errors import LabError

VERSION = 2

# Content is written once: queue rows and mailbox rows point to it, each with a head of its own
# (Received, Return-Path …) that stands before it.
_TABLES = """
CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    data BLOB NOT NULL
);
CREATE TABLE queue (
    queue_id TEXT PRIMARY KEY,
    queue TEXT NOT NULL,
    sender TEXT NOT NULL,
    message_id TEXT NOT NULL,
    arrival REAL NOT NULL,
    next_attempt REAL NOT NULL,
    size INTEGER NOT NULL,
    envelope TEXT NOT NULL,
    recipients TEXT NOT NULL,
    head BLOB NOT NULL,
    content INTEGER NOT NULL REFERENCES content (id)
) WITHOUT ROWID;
-- The counts are kept, so that nobody need count 100,000 rows.  An id is never given out again:
-- UIDVALIDITY comes of it.
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    uid_next INTEGER NOT NULL DEFAULT 1,
    first_recent INTEGER NOT NULL DEFAULT 1,
    modseq INTEGER NOT NULL DEFAULT 1,
    messages INTEGER NOT NULL DEFAULT 0,
    unseen INTEGER NOT NULL DEFAULT 0,
    octets INTEGER NOT NULL DEFAULT 0,
    keywords TEXT NOT NULL DEFAULT '',
    UNIQUE (user, name)
);
CREATE TABLE message (
    mailbox INTEGER NOT NULL REFERENCES mailbox (id),
    uid INTEGER NOT NULL,
    modseq INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    keywords TEXT NOT NULL,
    received REAL NOT NULL,
    saved REAL NOT NULL,
    size INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    head BLOB NOT NULL,
    content INTEGER NOT NULL REFERENCES content (id),
    PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
-- Every UID below uid_next is a message's or stands here.
CREATE TABLE expunged (
    mailbox INTEGER NOT NULL REFERENCES mailbox (id),
    modseq INTEGER NOT NULL,
    uids TEXT NOT NULL,
    PRIMARY KEY (mailbox, modseq)
) WITHOUT ROWID;
CREATE TABLE derived (
    mailbox INTEGER NOT NULL REFERENCES mailbox (id),
    uid INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (mailbox, uid, kind)
) WITHOUT ROWID;
CREATE TABLE subscription (
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (user, name)
) WITHOUT ROWID;
CREATE TABLE quota (
    user TEXT PRIMARY KEY,
    octets INTEGER NOT NULL,
    messages INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE script (
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    active INTEGER NOT NULL,
    PRIMARY KEY (user, name)
) WITHOUT ROWID;
CREATE TABLE mark (
    user TEXT NOT NULL,
    key TEXT NOT NULL,
    until REAL NOT NULL,
    PRIMARY KEY (user, key)
) WITHOUT ROWID;
CREATE INDEX queue_content ON queue (content);
CREATE INDEX message_content ON message (content);
-- Narrow, for what asks for all messages of a mailbox: the rows themselves are wide.
CREATE INDEX message_changed ON message (mailbox, modseq, flags);
"""
# The last one holds how many ids were given out.
NAMES = (
    "queue", "message", "expunged", "derived", "subscription", "quota", "script", "mark", "mailbox",
    "content", "sqlite_sequence",
)  # fmt: skip


def prepare(database: sqlite3.Connection, where: str) -> None:
    """Make the tables in a new database.  Raises LabError for those of another version."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        raise LabError("store.version", file=where, found=version, known=VERSION)
    if version == 0:
        database.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")

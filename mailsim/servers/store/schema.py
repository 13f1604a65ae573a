"""The store's tables, with their version."""

from __future__ import annotations

import sqlite3

from mailsim.errors import LabError

VERSION = 1

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
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid_next INTEGER NOT NULL,
    UNIQUE (user, name)
);
CREATE TABLE message (
    mailbox INTEGER NOT NULL REFERENCES mailbox (id),
    uid INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    received REAL NOT NULL,
    size INTEGER NOT NULL,
    flags TEXT NOT NULL,
    head BLOB NOT NULL,
    content INTEGER NOT NULL REFERENCES content (id),
    PRIMARY KEY (mailbox, uid)
) WITHOUT ROWID;
CREATE INDEX queue_content ON queue (content);
CREATE INDEX message_content ON message (content);
"""
NAMES = ("queue", "message", "mailbox", "content")


def prepare(database: sqlite3.Connection, where: str) -> None:
    """Make the tables in a new database.  Raises LabError for those of another version."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version not in (0, VERSION):
        raise LabError("store.version", file=where, found=version, known=VERSION)
    if version == 0:
        database.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {VERSION};COMMIT;")

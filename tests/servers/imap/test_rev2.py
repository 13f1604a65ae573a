"""IMAP4rev2, which the release `full` alone offers (RFC 9051)."""

from __future__ import annotations

from mailsim.model.stage import Release
from tests.servers.imap.imapd import USER, new_world
from tests.servers.imap.talk import LOGIN, Talk, run

# --- IMAP4rev2


def test_the_release_full_speaks_imap4rev2() -> None:
    async def scene() -> None:
        world = new_world(release=Release.FULL)
        world.store.deliver(
            USER, "INBOX", b"Subject: x\r\n\r\n", flags=("\\Deleted",), received=1.0
        )
        talk = Talk(world)
        assert b"CAPABILITY IMAP4rev1 IMAP4rev2 " in await talk.greeting()
        await talk.ask(LOGIN)
        assert (await talk.ask("ENABLE IMAP4rev2"))[0] == b"* ENABLED IMAP4rev2\r\n"
        selected = await talk.ask("SELECT INBOX")
        # RFC 9051 §6.3.2: no RECENT, no UNSEEN, but LIST.
        assert not any(b"RECENT" in line or b"UNSEEN" in line for line in selected)
        assert b'* LIST () "/" INBOX\r\n' in selected
        assert (await talk.ask("FETCH 1 FLAGS"))[0] == b"* 1 FETCH (FLAGS (\\Deleted))\r\n"
        assert (await talk.ask("SEARCH ALL"))[0] == b'* ESEARCH (TAG "c5") ALL 1\r\n'
        status = await talk.ask("STATUS INBOX (MESSAGES DELETED SIZE)")
        assert status[0] == b"* STATUS INBOX (MESSAGES 1 SIZE 14 DELETED 1)\r\n"
        assert status[-1].startswith(b"c6 OK Status")
        assert b"BAD" in (await talk.ask("STATUS INBOX (RECENT)"))[-1]
        await talk.ask('CREATE "Envoyés"'.encode())
        assert '* LIST (\\HasNoChildren) "/" "Envoyés"\r\n'.encode() in await talk.ask('LIST "" *')
        await talk.end()

    run(scene)


def test_imap4rev2_is_offered_by_full_alone() -> None:
    async def scene() -> None:
        talk = Talk(new_world())
        assert b"IMAP4rev2" not in await talk.greeting()
        await talk.ask(LOGIN)
        assert await talk.ask("ENABLE IMAP4rev2") == [b"c2 OK Enabled (0.001 + 0.000 secs).\r\n"]
        await talk.end()

    run(scene)


def test_full_renames_inbox_as_the_rfc_has_it() -> None:
    async def scene() -> None:
        world = new_world(release=Release.FULL)
        world.store.deliver(USER, "INBOX", b"Subject: x\r\n\r\n", received=1.0)
        talk = Talk(world)
        await talk.login()
        lines = await talk.ask("RENAME INBOX Anciens")
        assert lines[-1].startswith(b"c3 OK")
        assert (await talk.ask("NOOP"))[0] == b"* 1 EXPUNGE\r\n"
        assert b"MESSAGES 1" in (await talk.ask("STATUS Anciens (MESSAGES)"))[0]
        await talk.end()

    run(scene)

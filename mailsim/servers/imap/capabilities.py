"""What Dovecot says it can do, by release and by how far the connection has come."""

from __future__ import annotations

from typing import Final

from mailsim.model.stage import Release
from mailsim.servers.dovecot.wording import V24, Version

_BEFORE: Final = "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+"
_BEFORE_24: Final = "IMAP4rev1 LOGIN-REFERRALS ID ENABLE IDLE SASL-IR LITERAL+"
_COMMON: Final = (
    "IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY THREAD=REFERENCES"
    " THREAD=REFS THREAD=ORDEREDSUBJECT MULTIAPPEND URL-PARTIAL CATENATE UNSELECT CHILDREN"
    " NAMESPACE UIDPLUS LIST-EXTENDED I18NLEVEL=1 CONDSTORE QRESYNC ESEARCH ESORT SEARCHRES"
    " WITHIN CONTEXT=SEARCH LIST-STATUS BINARY MOVE"
)
# Without NOTIFY, which a Dovecot with mailbox_list_index = no does not offer either, and
# without COMPRESS=DEFLATE, which imap_capability can take away.
_AFTER: Final = (
    f"{_COMMON} SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW STATUS=SIZE SAVEDATE LITERAL+ SPECIAL-USE"
)
_AFTER_24: Final = f"{_COMMON} REPLACE SNIPPET=FUZZY PREVIEW=FUZZY PREVIEW SPECIAL-USE STATUS=SIZE SAVEDATE LITERAL+"
QUOTA: Final = ("QUOTA",)


def before_login(
    release: Release, mechanisms: tuple[str, ...], *, starttls: bool, cleartext: bool
) -> tuple[str, ...]:
    """The list before login."""
    names = _rev2(release, (_BEFORE_24 if release.dovecot >= V24 else _BEFORE).split())
    if starttls:
        names.append("STARTTLS")
    if not cleartext:
        names.append("LOGINDISABLED")
    return (*names, *(f"AUTH={name}" for name in mechanisms))


def after_login(release: Release, *, quota: bool) -> tuple[str, ...]:
    """The list after login; `quota` where there is one."""
    names = _rev2(release, (_AFTER_24 if release.dovecot >= V24 else _AFTER).split())
    if release is Release.FULL:
        names += ["REPLACE", "UTF8=ACCEPT"]
    return (*names, *(QUOTA if quota else ()))


def identity(version: Version) -> tuple[tuple[str, str | None], ...]:
    """What ID tells (imap_id_send)."""
    del version
    return (("name", "Dovecot"),)


def _rev2(release: Release, names: list[str]) -> list[str]:
    """Both revisions are offered, and ENABLE chooses (RFC 9051 §6.3.1)."""
    return [names[0], "IMAP4rev2", *names[1:]] if release is Release.FULL else names

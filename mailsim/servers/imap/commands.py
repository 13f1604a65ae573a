"""Which command does what, before the login and after it."""

from __future__ import annotations

from typing import Final

from mailsim.model.stage import Release
from mailsim.servers.dovecot.wording import V24
from mailsim.servers.imap.access import (
    authenticate,
    capability,
    enable,
    identify,
    login,
    logout,
    noop,
    starttls,
    urlauth,
)
from mailsim.servers.imap.appending import append
from mailsim.servers.imap.command import Entry, Sync
from mailsim.servers.imap.copying import copy, move
from mailsim.servers.imap.fetching import fetch
from mailsim.servers.imap.idling import idle
from mailsim.servers.imap.listing import listed, lsub
from mailsim.servers.imap.mailboxes import (
    create,
    delete,
    namespace,
    rename,
    status,
    subscribe,
    unsubscribe,
)
from mailsim.servers.imap.metadata import get_metadata, set_metadata
from mailsim.servers.imap.ordering import sort, thread
from mailsim.servers.imap.quota import get_quota, get_quota_root, set_quota
from mailsim.servers.imap.replacing import replace
from mailsim.servers.imap.searching import cancel_update, search
from mailsim.servers.imap.selecting import check, close, select, unselect
from mailsim.servers.imap.storing import expunge, store

BEFORE_LOGIN: Final = {
    "CAPABILITY": Entry(capability),
    "NOOP": Entry(noop),
    "ID": Entry(identify),
    "ENABLE": Entry(enable),
    "LOGOUT": Entry(logout),
    "STARTTLS": Entry(starttls),
    "LOGIN": Entry(login),
    "AUTHENTICATE": Entry(authenticate),
}

_FETCH: Final = Entry(fetch, selected=True, sync=Sync.FLAGS)
_STORE: Final = Entry(store, selected=True, sync=Sync.FLAGS)
_COPY: Final = Entry(copy, selected=True, sync=Sync.ALL)
_MOVE: Final = Entry(move, selected=True, sync=Sync.ALL)
_SEARCH: Final = Entry(search, selected=True, sync=Sync.FLAGS)
_SORT: Final = Entry(sort, selected=True, sync=Sync.FLAGS)
_THREAD: Final = Entry(thread, selected=True, sync=Sync.FLAGS)
_REPLACE: Final = Entry(replace, selected=True, sync=Sync.ALL, since=V24)
_EXPUNGE: Final = Entry(expunge, selected=True, sync=Sync.ALL)

AFTER_LOGIN: Final = {
    "CAPABILITY": Entry(capability),
    "NOOP": Entry(noop, sync=Sync.ALL),
    "ID": Entry(identify),
    "ENABLE": Entry(enable),
    "LOGOUT": Entry(logout),
    "SELECT": Entry(select),
    "EXAMINE": Entry(select),
    "CREATE": Entry(create),
    "DELETE": Entry(delete),
    "RENAME": Entry(rename),
    "SUBSCRIBE": Entry(subscribe),
    "UNSUBSCRIBE": Entry(unsubscribe),
    "LIST": Entry(listed),
    "XLIST": Entry(listed),
    "LSUB": Entry(lsub),
    "STATUS": Entry(status),
    "NAMESPACE": Entry(namespace),
    "APPEND": Entry(append, sync=Sync.ALL),
    "REPLACE": _REPLACE,
    "UID REPLACE": _REPLACE,
    "IDLE": Entry(idle),
    "CHECK": Entry(check, selected=True, sync=Sync.ALL),
    "CLOSE": Entry(close, selected=True),
    "UNSELECT": Entry(unselect, selected=True),
    "EXPUNGE": _EXPUNGE,
    "UID EXPUNGE": _EXPUNGE,
    "FETCH": _FETCH,
    "UID FETCH": _FETCH,
    "STORE": _STORE,
    "UID STORE": _STORE,
    "COPY": _COPY,
    "UID COPY": _COPY,
    "MOVE": _MOVE,
    "UID MOVE": _MOVE,
    "SEARCH": _SEARCH,
    "UID SEARCH": _SEARCH,
    "SORT": _SORT,
    "UID SORT": _SORT,
    "THREAD": _THREAD,
    "UID THREAD": _THREAD,
    "CANCELUPDATE": Entry(cancel_update, selected=True),
    "RESETKEY": Entry(urlauth),
    "GENURLAUTH": Entry(urlauth),
    "URLFETCH": Entry(urlauth),
    "GETQUOTA": Entry(get_quota),
    "GETQUOTAROOT": Entry(get_quota_root),
    "SETQUOTA": Entry(set_quota),
    "GETMETADATA": Entry(get_metadata),
    "SETMETADATA": Entry(set_metadata),
}


def entry_of(name: str, release: Release, *, logged_in: bool) -> Entry | None:
    """The command of that name, if the release has it."""
    entry = (AFTER_LOGIN if logged_in else BEFORE_LOGIN).get(name)
    if entry and entry.since > release.dovecot and release is not Release.FULL:
        return None
    return entry

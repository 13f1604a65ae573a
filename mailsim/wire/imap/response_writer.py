"""`responses` to the bytes of a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from mailsim.wire.imap import responses as r
from mailsim.wire.imap.codes import write_code
from mailsim.wire.imap.fetch_codec import write_fetch
from mailsim.wire.imap.sequence import SequenceSet
from mailsim.wire.imap.tokens import Argument
from mailsim.wire.imap.writer import Literals, Writer


def write_response(response: r.Response, *, utf8: bool = False) -> tuple[bytes, ...]:
    """The units that carry `response`; the grammar is `read_response`'s.

    With `utf8`, mailbox names and quoted strings are UTF-8.
    """
    writer = Writer(Literals.RESPONSE, utf8=utf8)
    if not isinstance(response, (r.Status, r.Continuation)):
        writer.raw("* ")
    _WRITERS[type(response)](writer, response)
    return tuple(fragment.data for fragment in writer.fragments())


def _status(writer: Writer, status: r.Status) -> None:
    writer.raw(f"{status.tag or '*'} {status.condition} ")
    _text(writer, status)


def _continuation(writer: Writer, continuation: r.Continuation) -> None:
    writer.raw("+ ")
    _text(writer, continuation)


def _text(writer: Writer, value: r.Status | r.Continuation) -> None:
    if value.code is not None:
        write_code(writer, value.code)
        writer.raw(" ")
    writer.raw(value.text)


def _capability(writer: Writer, data: r.Capability) -> None:
    writer.words(("CAPABILITY", *data.names))


def _enabled(writer: Writer, data: r.Enabled) -> None:
    writer.words(("ENABLED", *data.names))


def _flags(writer: Writer, data: r.Flags) -> None:
    writer.raw("FLAGS ")
    writer.group(data.flags)


def _list(writer: Writer, data: r.MailboxList) -> None:
    writer.raw(f"{data.name} ")
    writer.group(data.flags)
    writer.raw(" ")
    _delimiter(writer, data.delimiter)
    writer.raw(" ")
    writer.mailbox(data.mailbox)
    if data.extended is not None:
        writer.raw(" (")
        for index, (tag, value) in enumerate(data.extended):
            writer.raw(" " if index else "")
            writer.string(tag)
            writer.raw(" ")
            writer.argument(value)
        writer.raw(")")


def _delimiter(writer: Writer, delimiter: str | None) -> None:
    # A quoted character, even where an atom would do: `(DQUOTE QUOTED-CHAR DQUOTE / nil)`.
    writer.nstring(delimiter)


def _mailbox_status(writer: Writer, data: r.MailboxStatus) -> None:
    writer.raw("STATUS ")
    writer.mailbox(data.mailbox)
    writer.raw(" (")
    for index, (name, value) in enumerate(data.items):
        writer.raw(f"{' ' if index else ''}{name} ")
        _value(writer, value)
    writer.raw(")")


def _value(writer: Writer, value: int | SequenceSet | Argument) -> None:
    if isinstance(value, (int, SequenceSet)):
        writer.raw(str(value))
    else:
        writer.argument(value)


def _search(writer: Writer, data: r.Search) -> None:
    writer.words((data.name, *data.numbers))
    if data.modseq is not None:
        writer.raw(f" (MODSEQ {data.modseq})")


def _esearch(writer: Writer, data: r.Esearch) -> None:
    writer.raw("ESEARCH")
    if data.tag is not None:
        writer.raw(" (TAG ")
        writer.string(data.tag)
        writer.raw(")")
    if data.uid:
        writer.raw(" UID")
    for name, value in data.items:
        writer.raw(f" {name} ")
        _value(writer, value)


def _thread(writer: Writer, data: r.Thread) -> None:
    writer.raw("THREAD")
    if data.threads:
        writer.raw(" ")
    for thread in data.threads:
        _thread_list(writer, thread)


def _thread_list(writer: Writer, nodes: tuple[r.ThreadNode, ...]) -> None:
    writer.raw("(")
    for index, node in enumerate(nodes):
        if index and (isinstance(node, int) or isinstance(nodes[index - 1], int)):
            writer.raw(" ")
        if isinstance(node, int):
            writer.raw(str(node))
        else:
            _thread_list(writer, node)
    writer.raw(")")


def _vanished(writer: Writer, data: r.Vanished) -> None:
    writer.raw(f"VANISHED {'(EARLIER) ' if data.earlier else ''}{data.uids}")


def _namespace(writer: Writer, data: r.Namespace) -> None:
    writer.raw("NAMESPACE")
    for entries in (data.personal, data.others, data.shared):
        writer.raw(" (" if entries else " NIL")
        for entry in entries:
            _namespace_entry(writer, entry)
        writer.raw(")" if entries else "")


def _namespace_entry(writer: Writer, entry: r.NamespaceEntry) -> None:
    writer.raw("(")
    writer.mailbox_string(entry.prefix)
    writer.raw(" ")
    _delimiter(writer, entry.delimiter)
    for name, values in entry.extensions:
        writer.raw(" ")
        writer.string(name)
        writer.raw(" (")
        writer.nstrings(values)
        writer.raw(")")
    writer.raw(")")


def _id(writer: Writer, data: r.Id) -> None:
    if data.params is None:
        writer.raw("ID NIL")
        return
    writer.raw("ID (")
    writer.nstrings(word for pair in data.params for word in pair)
    writer.raw(")")


def _quota(writer: Writer, data: r.Quota) -> None:
    writer.raw("QUOTA ")
    writer.astring(data.root)
    writer.raw(" ")
    writer.group(f"{one.name} {one.usage} {one.limit}" for one in data.resources)


def _quota_root(writer: Writer, data: r.QuotaRoot) -> None:
    writer.raw("QUOTAROOT ")
    writer.mailbox(data.mailbox)
    _astrings(writer, data.roots)


def _astrings(writer: Writer, values: Iterable[str]) -> None:
    for value in values:
        writer.raw(" ")
        writer.astring(value)


def _acl(writer: Writer, data: r.Acl) -> None:
    writer.raw("ACL ")
    writer.mailbox(data.mailbox)
    _astrings(writer, [word for entry in data.entries for word in entry])


def _list_rights(writer: Writer, data: r.ListRights) -> None:
    writer.raw("LISTRIGHTS ")
    writer.mailbox(data.mailbox)
    _astrings(writer, (data.identifier, *data.rights))


def _my_rights(writer: Writer, data: r.MyRights) -> None:
    writer.raw("MYRIGHTS ")
    writer.mailbox(data.mailbox)
    _astrings(writer, (data.rights,))


def _metadata(writer: Writer, data: r.Metadata) -> None:
    writer.raw("METADATA ")
    writer.mailbox(data.mailbox)
    if not data.valued:
        _astrings(writer, [entry for entry, _ in data.entries])
        return
    writer.raw(" (")
    for index, (entry, value) in enumerate(data.entries):
        writer.raw(" " if index else "")
        writer.astring(entry)
        writer.raw(" ")
        if value is None:
            writer.raw("NIL")
        else:
            writer.string(value)
    writer.raw(")")


def _unknown(writer: Writer, data: r.Unknown) -> None:
    for index, token in enumerate(data.tokens):
        writer.raw(" " if index else "")
        writer.argument(token)


_WRITERS: Final[dict[type, Callable[[Writer, Any], None]]] = {
    r.Status: _status,
    r.Continuation: _continuation,
    r.Capability: _capability,
    r.Enabled: _enabled,
    r.Flags: _flags,
    r.MailboxList: _list,
    r.MailboxStatus: _mailbox_status,
    r.Search: _search,
    r.Esearch: _esearch,
    r.Thread: _thread,
    r.Exists: lambda writer, data: writer.raw(f"{data.number} EXISTS"),
    r.Recent: lambda writer, data: writer.raw(f"{data.number} RECENT"),
    r.Expunge: lambda writer, data: writer.raw(f"{data.number} EXPUNGE"),
    r.Fetch: write_fetch,
    r.Vanished: _vanished,
    r.Namespace: _namespace,
    r.Id: _id,
    r.Quota: _quota,
    r.QuotaRoot: _quota_root,
    r.Acl: _acl,
    r.ListRights: _list_rights,
    r.MyRights: _my_rights,
    r.Metadata: _metadata,
    r.Unknown: _unknown,
}

"""Question and answers as rows in dig's layout, and what each row means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any, Final

from mailsim import knowledge
from mailsim.dialogue import Dialogue, Exchange, Line, Side
from mailsim.language import language, word
from mailsim.render.ladder import Ladder
from mailsim.tracers.dns.message import Message, Record

if TYPE_CHECKING:
    from mailsim.tracers.dns.step import DnsStep

VERSION: Final = 1
KEY: Final = "mailsim-dns"

_STYLE = """
.mailsim-dns{font:13px/1.5 var(--jp-code-font-family,monospace);border-collapse:collapse}
.mailsim-dns td{padding:0 .6em;text-align:left;vertical-align:top;white-space:pre-wrap;
 overflow-wrap:anywhere;background:none;color:var(--jp-content-font-color1,inherit)}
.mailsim-dns .m-why{opacity:.8;font-style:italic}
""".replace("\n", "")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of dig's layout, and the knowledge ids of what stands in it."""

    text: str
    ids: tuple[str, ...] = ()


def rows(step: DnsStep) -> tuple[Row, ...]:
    """The question, then each answer."""
    found = list(_question_rows(step))
    for number, message in enumerate(step.values):
        if number:
            found += [Row(""), Row(";; Truncated, retrying in TCP mode.")]
        found += [Row(""), *_answer_rows(message)]
    return tuple(found)


def _question_rows(step: DnsStep) -> Iterator[Row]:
    sent = step.sent
    flags = " ".join(sent.flags).lower()
    yield Row(
        f";; ASKED {step.dialogue.endpoint} ({step.values[0].transport.value}): "
        f"opcode: {sent.opcode}, flags: {flags}".rstrip(),
        _flag_ids(sent),
    )
    yield from _edns_rows(sent)
    yield Row(";; QUESTION SECTION:", ("dns.section.QUESTION",))
    for one in sent.questions:
        yield Row(str(one), (f"dns.type.{one.type}", f"dns.class.{one.class_}"))


def _answer_rows(message: Message) -> Iterator[Row]:
    code = (f"dns.rcode.{message.rcode}",)
    yield Row(f";; ->>HEADER<<- opcode: {message.opcode}, status: {message.rcode}", code)
    counts = ", ".join(f"{name}: {len(records)}" for name, records in message.sections)
    flags = " ".join(message.flags).lower()
    number = len(message.questions)
    yield Row(f";; flags: {flags}; QUERY: {number}, {counts}", _flag_ids(message))
    yield from _edns_rows(message)
    for name, records in message.sections:
        if records:
            yield Row("")
            yield Row(f";; {name} SECTION:", (f"dns.section.{name}",))
            for one in records:
                yield Row(str(one), _record_ids(one))
    yield Row("")
    yield Row(f";; MSG SIZE  rcvd: {message.size} ({message.transport.value})")


def _flag_ids(message: Message) -> tuple[str, ...]:
    return tuple(f"dns.flag.{name}" for name in message.flags)


def _edns_rows(message: Message) -> Iterator[Row]:
    if message.edns is None:
        return
    dnssec = " do" if message.edns.dnssec else ""
    text = f"; EDNS: version: {message.edns.version}, flags:{dnssec}; udp: {message.edns.payload}"
    yield Row(text, ("dns.type.OPT", *(("dns.flag.DO",) if dnssec else ())))


def _record_ids(record: Record) -> tuple[str, ...]:
    kind = f"dns.type.{record.type}"
    # RFC 5782: a block list answers with addresses in 127.0.0.0/8.
    if record.type == "A" and record.data.startswith("127."):
        return (kind, f"dns.dnsbl.{record.data}")
    return (kind,)


# --- What it means ---------------------------------------------------------------------------


def meanings(row: Row, lang: str | None) -> Iterator[str]:
    """What is known of each thing in the row, a line each."""
    for one in row.ids:
        try:
            entry = knowledge.entry(one)
        except KeyError:
            continue
        refs = f" ({entry.refs[0]})" if entry.refs else ""
        yield f"{entry.name}: {entry.short(lang)}{refs}"


def summary(step: DnsStep, lang: str | None) -> str:
    """In one sentence, what came of the question."""
    asked = step.sent.questions[0]
    about = {"name": asked.name, "type": asked.type, "rcode": step.rcode}
    if step.rcode == "NOERROR":
        key = "dns.found" if step.texts else "dns.alias" if step.answer else "dns.nodata"
        if key == "dns.nodata" and asked.type == "MX":
            key = "dns.no-mx"
    else:
        key = "dns.no-name" if step.rcode == "NXDOMAIN" else "dns.failed"
    return word(key, language(lang), count=len(step.texts), **about)


def plain_text(step: DnsStep) -> str:
    """The rows, a line each."""
    return "\n".join(row.text for row in rows(step))


def explained_text(step: DnsStep, lang: str | None) -> str:
    """Each row with its meanings below it; the summary and the time at the end."""
    lines = []
    before: tuple[str, ...] = ()
    for row in rows(step):
        lines.append(row.text)
        # Twenty records of one type are explained once.
        lines += [f"    {one}" for one in meanings(row, lang) if row.ids != before]
        before = row.ids
    milliseconds = step.response.seconds * 1000
    time = word("dns.time", language(lang), milliseconds=milliseconds)
    return "\n".join([*lines, "", summary(step, lang), time])


def html(step: DnsStep, lang: str | None = None) -> str:
    """The rows as a table, meanings beside them; all that a server said is escaped."""
    spoken = language(lang)
    body = "".join(
        f"<tr><td>{escape(row.text)}</td>"
        f'<td class="m-why">{escape(chr(10).join(meanings(row, spoken)))}</td></tr>'
        for row in rows(step)
        if row.text
    )
    label = escape(word("render.transcript", spoken))
    foot = escape(summary(step, spoken))
    return (
        f'<style>{_STYLE}</style><table class="mailsim-dns" lang="{spoken}" aria-label="{label}">'
        f'<tbody>{body}<tr><td colspan="2">{foot}</td></tr></tbody></table>'
    )


def ladder(step: DnsStep, lang: str | None) -> Ladder:
    """A rung a message: the question in words, the answer's code and counts."""
    asked = step.sent.questions[0]
    lines = []
    for message in step.values:
        by = message.transport.value
        question = f"{by}: {asked.name} {asked.class_} {asked.type}?"
        answer = f"{by}: {message.rcode}, {' '.join(message.flags)}, ANSWER: {len(message.answer)}"
        lines += [
            Line(Side.CLIENT, f"{question}\r\n".encode()),
            Line(Side.SERVER, f"{answer}\r\n".encode()),
        ]
    return Ladder.of(Dialogue(step.dialogue.endpoint, (Exchange(tuple(lines)),)), lang)


def document(step: DnsStep) -> dict[str, Any]:
    """As JSON: the question and every answer; `milliseconds` from the question to it."""
    return {
        KEY: VERSION,
        "server": str(step.dialogue.endpoint),
        "query": _message_document(step.sent),
        "responses": [
            {**_message_document(one), "milliseconds": round(one.seconds * 1000, 3)}
            for one in step.values
        ],
    }


def _message_document(message: Message) -> dict[str, Any]:
    fields = ("id", "opcode", "rcode", "size")
    edns = asdict(message.edns) if message.edns else None
    return {
        **{name: getattr(message, name) for name in fields},
        "transport": message.transport.value,
        "flags": list(message.flags),
        "question": [_plain(asdict(one)) for one in message.questions],
        **{
            name.lower(): [_plain(asdict(one)) for one in records]
            for name, records in message.sections
        },
        "edns": edns,
    }


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name.rstrip("_"): one for name, one in fields.items()}

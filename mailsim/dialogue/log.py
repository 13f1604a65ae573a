"""The one parser of what Postfix, Amavis and Dovecot write in the log.

line    = [ "<" 1*3DIGIT ">" ] stamp SP host SP program [ "[" pid "]" ] ": " text
stamp   = Mmm SP dd SP hh:mm:ss          ; RFC 3164 §4.1.2
        / yyyy-mm-dd "T" time            ; RFC 3339, as rsyslog writes it today
program = "postfix/smtpd" / "postfix-ugb/submission/smtpd" / "dovecot" / "amavis" …
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from mailsim.model import LogLine

_SYSLOG = re.compile(
    r"(?:<\d{1,3}>)?"
    r"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*) "
    r"(\S+) ([^\s\[:]+)(?:\[(\d{1,18})\])?: (.*)",
    re.DOTALL,
)

# --- Postfix -----------------------------------------------------------------------------------

# A queue id: hexadecimal digits, or (enable_long_queue_ids) 52 letters and digits without vowels.
_QUEUE_ID = re.compile(
    r"(NOQUEUE|[0-9A-F]{5,}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}): (.*)", re.DOTALL
)
_FIELD = re.compile(r"(?:^|[,;]? )([a-z][a-z_-]*)=(<[^>]*>|[^,;\s]*)")
_STATUS = re.compile(r"(.*), status=([a-z]+)(?: \((.*)\))?", re.DOTALL)
_MESSAGE_ID = re.compile(r"(?:resent-)?message-id=(.*)", re.DOTALL)
_REJECT = re.compile(
    r"((?:milter-)?reject|hold|discard|redirect): (\S+)(?: from (\S+?))?: (.*?)(?:; from=.*)?",
    re.DOTALL,
)
_HEADER_REJECT = re.compile(
    r"reject: (header|body) (.*) from (\S+); from=.*: (\d\.\d+\.\d+ .*)", re.DOTALL
)
_NOTIFICATION = re.compile(r"(sender|postmaster) ([a-z -]*notification): (\S+)")
_QUEUED_AS = re.compile(r"queued as ([0-9A-Za-z]+)")
_CONNECTION = re.compile(
    r"(connect|disconnect|lost connection after \S+|timeout after \S+) from (\S+)"
)

# --- Amavis ------------------------------------------------------------------------------------

_AMAVIS = re.compile(
    r"\([\w-]+\) (Passed|Blocked) ([A-Z-]+)(?: \(([^)]*)\))?(?: \{([^}]*)\})?,? (.*)", re.DOTALL
)
_AMAVIS_FIELD = re.compile(r", ([A-Za-z][A-Za-z_-]*): (<[^>]*>|[^,]*)")
_AMAVIS_PATH = re.compile(r"(<[^>]*>) -> (<[^>]*>(?:,<[^>]*>)*)")

# --- Dovecot -----------------------------------------------------------------------------------

_DOVECOT = re.compile(
    r"([a-z][a-z0-9_-]*)(?:\(([^)]*)\))?(?:<\d+>)?(?:<([^>]*)>)?: (.*)", re.DOTALL
)
# What a message id may hold is the sender's choice: the last ": " before such a word is the
# server's own.
_SIEVE = re.compile(
    r"(?:sieve: )?msgid=(.*): ((?:stored|saved|save failed|failed|forwarded|not forwarding|sent"
    r"|not sending|discard(?:ed|ing)|rejected|marked)\b.*)",
    re.DOTALL | re.IGNORECASE,
)
_SIEVE_ACTION = re.compile(r": [a-z]+ action\Z")
_SIEVE_ACTIONS: Final = (
    ("stored", "mailbox", re.compile(r"stored mail into mailbox '?(.*?)'?(?: \(.*\))?")),
    ("stored", "mailbox", re.compile(r"saved mail to (.*)")),
    (
        "failed",
        "reply",
        re.compile(r"(?:failed to store into mailbox|save failed to) (.*)", re.IGNORECASE),
    ),
    ("forwarded", "to", re.compile(r"forwarded to <?([^>]*)>?.*")),
    (
        "answered",
        "to",
        re.compile(r"sent (?:vacation response|response) to <?([^>]*)>?.*", re.IGNORECASE),
    ),
    (
        "discarded",
        "reply",
        re.compile(r"(marked message to be discarded.*)", re.IGNORECASE),
    ),
    ("rejected", "reply", re.compile(r"rejected.*")),
)
_LOGIN = re.compile(
    r"(Login aborted|Login|Logged in|Disconnected|Aborted login|Connection closed)\b([^:]*)"
)


def parse_log(lines: Iterable[str]) -> tuple[LogLine, ...]:
    """Every line; one that is no syslog line is kept with its text alone.  Raises nothing."""
    return tuple(parse_line(line) for line in lines)


def parse_line(line: str) -> LogLine:
    """One line, with or without its line end."""
    text = line.rstrip("\r\n")
    found = _SYSLOG.fullmatch(text)
    if found is None:
        return LogLine(text)
    stamp, host, program, pid, rest = found.groups()
    head, _, service = program.rpartition("/")
    queue_id = ""
    if head:
        queue_id, fields = _postfix(rest)
    elif program == "dovecot":
        service, fields = _dovecot(rest)
    else:
        fields = _amavis(rest) if program.startswith("amavis") else {}
    return LogLine(rest, stamp, host, program, service, int(pid or 0), queue_id, fields)


def _postfix(text: str) -> tuple[str, Mapping[str, str]]:
    found = _QUEUE_ID.fullmatch(text)
    queue_id, said = found.groups() if found else ("", text)
    return ("" if queue_id == "NOQUEUE" else queue_id), _postfix_fields(said)


def _postfix_fields(text: str) -> dict[str, str]:
    if found := _MESSAGE_ID.fullmatch(text):
        return {"message-id": _bare(found.group(1))}
    if found := _STATUS.fullmatch(text):
        return _delivery(*found.groups(default=""))
    if found := _HEADER_REJECT.fullmatch(text):
        what, shown, client, reply = found.groups()
        return {
            **_pairs(text),
            "action": "reject",
            "at": what,
            "text": shown,
            "client": client,
            "reply": reply,
        }
    if found := _REJECT.fullmatch(text):
        action, command, client, reply = found.groups(default="")
        return {**_pairs(text), "action": action, "at": command, "client": client, "reply": reply}
    if found := _NOTIFICATION.fullmatch(text):
        return {"recipient": found.group(1), "kind": found.group(2), "notification": found.group(3)}
    if found := _CONNECTION.match(text):
        return {**_pairs(text), "action": found.group(1), "client": found.group(2)}
    return {"action": "removed"} if text == "removed" else _pairs(text)


def _delivery(head: str, status: str, reply: str) -> dict[str, str]:
    fields = {**_pairs(head), "status": status, "reply": reply}
    if queued := _QUEUED_AS.search(reply):
        fields["queued_as"] = queued.group(1)
    return fields


def _pairs(text: str) -> dict[str, str]:
    return {key: _bare(value) for key, value in _FIELD.findall(text)}


def _bare(value: str) -> str:
    return value[1:-1] if value.startswith("<") and value.endswith(">") else value


def _amavis(text: str) -> dict[str, str]:
    found = _AMAVIS.fullmatch(text)
    if found is None:
        return {}
    action, category, detail, treatment, rest = found.groups(default="")
    fields = {"verdict": f"{action} {category}", "detail": detail, "treatment": treatment}
    if path := _AMAVIS_PATH.search(rest):
        fields |= {
            "from": _bare(path.group(1)),
            "to": path.group(2).replace("<", "").replace(">", ""),
        }
    fields |= {key: _bare(value) for key, value in _AMAVIS_FIELD.findall(rest)}
    return {key: value for key, value in fields.items() if value}


def _dovecot(text: str) -> tuple[str, dict[str, str]]:
    found = _DOVECOT.fullmatch(text)
    if found is None:
        return "", {}
    service, user, session, said = found.groups(default="")
    fields = {"user": user, "session": session}
    if action := _SIEVE.fullmatch(said):
        msgid = _SIEVE_ACTION.sub("", action.group(1))
        fields |= {"msgid": _bare(msgid)} | _sieve_action(action.group(2))
    elif event := _LOGIN.match(said):
        fields |= {"action": event.group(1).lower()} | _pairs(said)
    return service, {key: value for key, value in fields.items() if value}


def _sieve_action(said: str) -> dict[str, str]:
    for action, key, pattern in _SIEVE_ACTIONS:
        if found := pattern.fullmatch(said):
            return {"action": action, key: found.group(found.lastindex or 0)}
    return {"reply": said}

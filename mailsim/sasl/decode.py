"""A captured token: which mechanism it belongs to, its parts, and what it leaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from mailsim.errors import RemoteProtocolError
from mailsim.sasl import anonymous, cram, digest_md5, external, gssapi, login, ntlm, oauth, plain
from mailsim.sasl.captured import CANCEL, EMPTY, Captured, read_line, unbase64
from mailsim.sasl.message import Decoded, Kind, Message, Side, part
from mailsim.sasl.scram import messages as scram

_C, _S = Side.CLIENT, Side.SERVER
_SCRAMS = ("SCRAM-SHA-256", "SCRAM-SHA-1")


@dataclass(frozen=True, slots=True)
class _Form:
    """One message that can be told by its form alone: who may send it, how it reads."""

    mechanisms: tuple[str, ...]
    side: Side
    read: Callable[[bytes], Message]


# The most telling form first: a signature, then a grammar, then a shape.
_FORMS = (
    _Form(("NTLM",), _C, ntlm.client_message),
    _Form(("NTLM",), _S, ntlm.challenge),
    _Form(("GSSAPI", "GSS-SPNEGO"), _C, gssapi.message),
    _Form(("GSSAPI", "GSS-SPNEGO"), _S, gssapi.message),
    _Form(_SCRAMS, _C, scram.client_first),
    _Form(_SCRAMS, _S, scram.server_first),
    _Form(_SCRAMS, _C, scram.client_final),
    _Form(_SCRAMS, _S, scram.server_final),
    _Form(("OAUTHBEARER",), _C, oauth.oauthbearer_message),
    _Form(("OAUTHBEARER",), _C, oauth.dummy_message),
    _Form(("XOAUTH2",), _C, oauth.xoauth2_message),
    _Form(("OAUTHBEARER", "XOAUTH2"), _S, oauth.error_message),
    _Form(("PLAIN",), _C, plain.message),
    _Form(("CRAM-MD5",), _S, cram.challenge_message),
    _Form(("CRAM-MD5",), _C, cram.response_message),
    _Form(("DIGEST-MD5",), _S, digest_md5.challenge),
    _Form(("DIGEST-MD5",), _C, digest_md5.response),
    _Form(("LOGIN",), _S, login.prompt),
)

# What says nothing of itself is read only when the line names the mechanism.
_NAMED = (
    _Form(("LOGIN",), _C, login.user_answer),
    _Form(("EXTERNAL",), _C, external.message),
    _Form(("ANONYMOUS",), _C, anonymous.message),
)


def decode(token: str, *, context: bytes | None = None) -> Decoded:
    """Take a captured base64 token apart, or the whole line it stands in.

    Lines: `AUTH PLAIN xxx`, `a1 AUTHENTICATE "PLAIN" "xxx"`, `334 xxx`, `+ xxx`, each with
    or without `C:` or `S:` before it; `=` is the empty response, `*` the cancellation.
    `context` is the message before, decoded: it tells LOGIN's user from its password.

    Raises UsageError for what is not base64.
    """
    captured = read_line(token)
    if captured.token is None:
        return _bare(captured, "sasl.message.start")
    if captured.token == CANCEL:
        return _bare(captured, "sasl.message.cancel")
    if captured.token in ("", EMPTY):
        return _initial(b"", captured) or _bare(captured, "sasl.message.empty")
    data = unbase64(captured.token)
    return (
        _answer(data, captured, context)
        or _initial(data, captured)
        or _unfit(data, captured)
        or _formed(data, captured)
        or _formless(data, captured)
    )


def _bare(captured: Captured, what: str) -> Decoded:
    mechanism = captured.mechanism
    candidates = (mechanism,) if mechanism else ()
    return Decoded(b"", (), what, "sasl.leak.nothing", mechanism, captured.side, candidates)


def _answer(data: bytes, captured: Captured, context: bytes | None) -> Decoded | None:
    """LOGIN's answers, which only the prompt before them tells."""
    if context is None or captured.side is _S:
        return None
    if login.asks_user(context):
        return _decoded(login.user_answer(data), ("LOGIN",), _C)
    if login.asks_password(context):
        return _decoded(login.password_answer(data), ("LOGIN",), _C)
    return None


def _initial(data: bytes, captured: Captured) -> Decoded | None:
    """The initial response of the mechanism that the line names."""
    for form in _forms_of(captured.mechanism):
        if message := _read(form, data):
            return _decoded(message, (captured.mechanism,), _C)
    return None


def _forms_of(mechanism: str) -> list[_Form]:
    plain_name = mechanism.removesuffix("-PLUS")
    return [form for form in _FORMS + _NAMED if form.side is _C and plain_name in form.mechanisms]


def _unfit(data: bytes, captured: Captured) -> Decoded | None:
    """The line names a mechanism, and this is no message of it that we know."""
    name = captured.mechanism
    if not name:
        return None
    what = "sasl.message.malformed" if _forms_of(name) else "sasl.message.unknown"
    return _opaque(data, what, (name,), _C)


def _formed(data: bytes, captured: Captured) -> Decoded | None:
    for form in _FORMS:
        if captured.side in (None, form.side) and (message := _read(form, data)):
            return _decoded(message, _candidates(form, message), form.side)
    return None


def _read(form: _Form, data: bytes) -> Message | None:
    try:
        return form.read(data)
    except RemoteProtocolError:
        return None


def _candidates(form: _Form, message: Message) -> tuple[str, ...]:
    """The form's mechanisms, fewer where the message tells them apart."""
    if form.mechanisms is not _SCRAMS:
        return form.mechanisms
    values = {one.name: one.value for one in message.parts}
    length = len(values.get("ClientProof", values.get("ServerSignature", b"")))
    names = {32: ("SCRAM-SHA-256",), 20: ("SCRAM-SHA-1",)}.get(length, _SCRAMS)
    bound = values.get("gs2-cbind-flag", values.get("channel-binding", b"")).startswith(b"p=")
    return tuple(f"{name}-PLUS" for name in names) if bound else names


def _formless(data: bytes, captured: Captured) -> Decoded:
    """Text is an answer to LOGIN most likely, and so kept secret, as all else is."""
    if captured.side is _S or not _is_text(data):
        return _opaque(data, "sasl.message.unknown", (), captured.side)
    parts = (part("answer", data, secret=True),)
    message = Message(data, parts, "sasl.message.answer", "sasl.leak.answer")
    return _decoded(message, ("LOGIN", "EXTERNAL", "ANONYMOUS"), _C)


def _is_text(data: bytes) -> bool:
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _opaque(data: bytes, what: str, candidates: tuple[str, ...], side: Side | None) -> Decoded:
    parts = (part("bytes", data, Kind.BYTES, secret=True),)
    return _decoded(Message(data, parts, what, "sasl.leak.unknown"), candidates, side)


def _decoded(message: Message, candidates: tuple[str, ...], side: Side | None) -> Decoded:
    mechanism = candidates[0] if candidates else ""
    return replace(Decoded.of(message), mechanism=mechanism, side=side, candidates=candidates)

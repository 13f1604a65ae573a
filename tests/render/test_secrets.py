"""No rendering shows a secret: every mechanism, every form, every protocol, every rendering."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailsim import sasl
from mailsim.cli.session import Show
from mailsim.dialogue import Dialogue, Exchange, Line, Note, Side
from mailsim.dialogue.compare import compare
from mailsim.model import Endpoint, Protocol
from mailsim.render.explained import explained_html, explained_text
from mailsim.render.html import dialogue_html, step_html
from mailsim.render.ladder import Ladder
from mailsim.render.text import dialogue_text, step_text
from mailsim.render.timing import timing
from mailsim.secret import MASK
from mailsim.tracers.step import Step

C, S = Side.CLIENT, Side.SERVER
Said = list[tuple[Side, bytes]]

# One that every escape leaves as it is, one that each of them changes.
SECRETS = ("Tr4nsparent.Hunter2", 'p"w\\<d>&é$#;x')
USER = "cheikh"
PIECE = 12

SMTP, POP3, IMAP, SIEVE = Protocol.SMTP, Protocol.POP3, Protocol.IMAP, Protocol.MANAGESIEVE


def quoted(value: bytes) -> bytes:
    return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


# --- What is said ---------------------------------------------------------------------------------


def sasl_messages(mechanism: str, secret: str) -> list[tuple[Side, bytes]]:
    """A whole login by our own client and server, each message as its base64."""
    steps = sasl.exchange(mechanism, USER, secret, random=lambda count: bytes(range(count)))
    return [(C if step.side is sasl.Side.CLIENT else S, b64encode(step.data)) for step in steps]


def authentication(protocol: Protocol, mechanism: str, secret: str, form: str) -> Said:
    """AUTH as the protocol frames it: `form` is initial, continuation or literal."""
    name = mechanism.encode()
    ask = {
        SMTP: b"AUTH " + name,
        POP3: b"AUTH " + name,
        IMAP: b"a1 AUTHENTICATE " + name,
        SIEVE: b'AUTHENTICATE "' + name + b'"',
    }[protocol]
    messages = sasl_messages(mechanism, secret)
    said: Said = []
    if form != "continuation" and messages[0][0] is C:
        token = messages.pop(0)[1]
        said += _wrapped(protocol, ask + b" ", token, form)
    else:
        said += [(C, ask + b"\r\n")]
        if messages[0][0] is C:
            said += [(S, _challenge(protocol, b""))]
    for side, token in messages:
        if side is S:
            said += [(S, _challenge(protocol, token))]
        else:
            said += _wrapped(protocol, b"", token, form)
    return said


def _challenge(protocol: Protocol, token: bytes) -> bytes:
    head = {SMTP: b"334 ", SIEVE: b'"'}.get(protocol, b"+ ")
    return head + token + (b'"\r\n' if protocol is SIEVE else b"\r\n")


def _wrapped(protocol: Protocol, head: bytes, token: bytes, form: str) -> Said:
    if protocol is not SIEVE:
        return [(C, head + token + b"\r\n")]
    if form == "literal":
        return [(C, head + b"{%d+}\r\n" % len(token)), (C, token), (C, b"\r\n")]
    return [(C, head + quoted(token) + b"\r\n")]


def login(form: str, secret: bytes) -> Said:
    """IMAP LOGIN in each form of its strings."""
    if form == "quoted":
        return [(C, b"a1 LOGIN " + USER.encode() + b" " + quoted(secret) + b"\r\n")]
    if form == "atom":
        return [(C, b"a1 LOGIN " + USER.encode() + b" " + secret + b"\r\n")]
    plus = b"" if form == "literal" else form[-1:].encode()
    return [
        (C, b"a1 LOGIN " + USER.encode() + b" {%d%s}\r\n" % (len(secret), plus)),
        *([] if plus else [(S, b"+ go on\r\n")]),
        (C, secret),
        (C, b"\r\n"),
    ]


GREETING = {SMTP: b"220 x\r\n", POP3: b"+OK x\r\n", IMAP: b"* OK x\r\n", SIEVE: b'OK "x"\r\n'}
REFUSAL = {SMTP: b"535 5.7.8 ", POP3: b"-ERR ", IMAP: b"a1 NO ", SIEVE: b"NO "}


def dialogue_of(protocol: Protocol, said: Said, forms: list[bytes]) -> Dialogue:
    """A login, refused with words that repeat all the client has sent; then once more at the end."""
    words = b" ".join(forms)
    words = quoted(words) if protocol is SIEVE else words
    blocks: list[Said] = [
        [(S, GREETING[protocol])],
        [*said, (S, REFUSAL[protocol] + words + b"\r\n")],
        [(C, b"NOOP " + words + b"\r\n"), (S, REFUSAL[protocol] + words + b"\r\n")],
    ]
    exchanges = tuple(
        Exchange(
            tuple(Line(side, raw, at=0.001 * n) for n, (side, raw) in enumerate(block)),
            (Note("note.raw"),),
        )
        for block in blocks
    )
    return Dialogue(Endpoint("x", protocol, "mail.example.org", 25), exchanges)


# --- Every rendering ------------------------------------------------------------------------------


def renderings(
    dialogue: Dialogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[str, str]]:
    """Each rendering's name and all that it shows."""
    yield "text", dialogue_text(dialogue)
    yield "html", dialogue_html(dialogue)
    yield "explained html", explained_html(dialogue)
    yield "explained text", explained_text(dialogue, lang="fr")
    yield from _ladder("ladder", Ladder.of(dialogue))
    for number, exchange in enumerate(dialogue.exchanges):
        so_far = Dialogue(dialogue.endpoint, dialogue.exchanges[: number + 1])
        yield from _step(Step[object](exchange, (), lambda: dialogue), so_far)
    other = Dialogue(dialogue.endpoint, (*dialogue.exchanges[:-1], Exchange(())))
    for one, two in ((dialogue, other), (other, dialogue)):
        yield "comparison", compare(one, two).text("en")
        yield "comparison's JSON", json.dumps(compare(one, two).to_json(), ensure_ascii=False)
    yield from _command_line(dialogue, tmp_path, capsys)
    yield "repr", repr(dialogue)
    yield from ((f"shown as {kind}", text) for kind, text in dialogue._repr_mimebundle_().items())


def _step(step: Step[object], so_far: Dialogue) -> Iterator[tuple[str, str]]:
    yield "step's text", step_text(so_far)
    yield "step's page", step_html(so_far)
    yield "step", f"{step}\n{step!r}\n{step.transcript()}"
    yield "step explained", step.explain("en")
    yield from ((f"step's {kind}", text) for kind, text in step._repr_mimebundle_().items())
    ladder = step.ladder("fr")
    assert isinstance(ladder, Ladder)
    yield from _ladder("step's ladder", ladder)


def _ladder(name: str, ladder: Ladder) -> Iterator[tuple[str, str]]:
    yield f"{name} as text", ladder.text
    yield f"{name} as SVG", ladder.svg
    yield f"{name} in Mermaid", ladder.mermaid
    yield f"{name} repr", repr(ladder)


def _command_line(
    dialogue: Dialogue, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[str, str]]:
    capsys.readouterr()
    for show in (Show("en"), Show("fr", explained=True), Show("en", json=True)):
        for number in range(len(dialogue.exchanges)):
            show.step(Dialogue(dialogue.endpoint, dialogue.exchanges[: number + 1]))
        for name in ("saved.json", "saved.txt"):
            show.end(dialogue, tmp_path / name)
            yield name, (tmp_path / name).read_text(encoding="utf-8")
        yield f"printed ({show})", capsys.readouterr().out


UNDO: tuple[Callable[[str], str], ...] = (
    lambda text: text,
    html.unescape,
    lambda text: re.sub(r"#(\d+);", lambda found: chr(int(found[1])), text),
    lambda text: text.replace('\\"', '"').replace("\\\\", "\\"),
)


def leaks(shown: str, forbidden: list[str]) -> list[str]:
    """What of `forbidden` stands in the text, as it is or behind its escapes."""
    seen = {undo(text) for text in {undo(shown) for undo in UNDO} for undo in UNDO}
    return [one for one in forbidden if any(one in text for text in seen)]


def pieces(token: bytes) -> list[str]:
    """A token's pieces: none of them may be left standing."""
    text = token.decode()
    return [text[at : at + PIECE] for at in range(0, max(len(text) - PIECE, 0) + 1, PIECE // 2)]


def check(
    protocol: Protocol,
    said: Said,
    forms: list[bytes],
    secret: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    forbidden = [secret, quoted(secret.encode()).decode()[1:-1]]
    forbidden += [piece for form in forms for piece in pieces(form)]
    dialogue = dialogue_of(protocol, said, [*forms, secret.encode()])
    assert leaks(dialogue_text(dialogue, reveal=True), forbidden[:1]) or protocol is SIEVE
    found = [
        (name, leaked)
        for name, text in renderings(dialogue, tmp_path, capsys)
        if (leaked := leaks(text, forbidden))
    ]
    assert found == []
    assert MASK in dialogue_text(dialogue)


# EXTERNAL and ANONYMOUS have no secret.
MECHANISMS = [name for name in sasl.MECHANISMS if name not in {"EXTERNAL", "ANONYMOUS"}]
# What travels of these is made from the password, which itself never does.
DERIVED = ("CRAM-MD5", "SCRAM")
FORMS = [
    *((protocol, "initial") for protocol in (SMTP, POP3, IMAP, SIEVE)),
    *((protocol, "continuation") for protocol in (SMTP, POP3, IMAP, SIEVE)),
    (SIEVE, "literal"),
]


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(("protocol", "form"), FORMS)
def test_no_rendering_shows_what_a_mechanism_sends(
    protocol: Protocol,
    form: str,
    mechanism: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # The grammar of bearer tokens takes no quotes.
    secret = "ya29.Tr4nsparent-Token" if "OAUTH" in mechanism else SECRETS[mechanism == "PLAIN"]
    said = authentication(protocol, mechanism, secret, form)
    tokens = [token for side, token in sasl_messages(mechanism, secret) if side is C]
    token = max(tokens, key=len) if mechanism.startswith(DERIVED) else tokens[-1]
    if mechanism.startswith(DERIVED):
        # Nothing in the dialogue gives the password: an echo of it could not be known.
        check(protocol, said, [token], token.decode(), tmp_path, capsys)
    else:
        check(protocol, said, [token, b64encode(secret.encode())], secret, tmp_path, capsys)


@pytest.mark.parametrize("form", ["atom", "quoted", "literal", "literal+", "literal-"])
@pytest.mark.parametrize("secret", SECRETS, ids=["plain", "escaped"])
def test_no_rendering_shows_imap_s_password(
    form: str, secret: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = login(form, secret.encode())
    check(IMAP, said, [b64encode(secret.encode())], secret, tmp_path, capsys)


@pytest.mark.parametrize("secret", SECRETS, ids=["plain", "escaped"])
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "byte by byte"])
def test_no_rendering_shows_pop3_s_password(
    secret: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, whole: bool
) -> None:
    raw = b"PASS " + secret.encode() + b"\r\n"
    lines = [raw] if whole else [raw[at : at + 1] for at in range(len(raw))]
    said: Said = [(C, b"USER cheikh\r\n"), (S, b"+OK\r\n"), *((C, one) for one in lines)]
    check(POP3, said, [b64encode(secret.encode())], secret, tmp_path, capsys)


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("protocol", [SMTP, SIEVE])
def test_no_timing_plot_shows_what_a_mechanism_sends(protocol: Protocol, mechanism: str) -> None:
    """Apart from the others, for a figure takes as long as all of them."""
    secret = "ya29.Tr4nsparent-Token"
    said = authentication(protocol, mechanism, secret, "initial")
    tokens = [token for side, token in sasl_messages(mechanism, secret) if side is C]
    token = max(tokens, key=len)
    echoed = [] if mechanism.startswith(DERIVED) else [secret.encode()]
    axes = timing(dialogue_of(protocol, said, [token, *echoed])).axes[0]
    labels = "\n".join(label.get_text() for label in axes.get_yticklabels())
    assert MASK in labels
    assert leaks(labels, [secret, *pieces(token)]) == []


def test_no_rendering_shows_apop_s_digest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = "c4c9334bac560ecc979e58001b3e22fb"
    said: Said = [(C, f"APOP cheikh {digest}\r\n".encode())]
    check(POP3, said, [], digest, tmp_path, capsys)

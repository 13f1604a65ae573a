"""Bodies and their parts: well formed, odd and broken."""

from __future__ import annotations

import base64

from tests.servers.imap.corpus_headers import HEADERS, text


def multipart(
    boundary: bytes, *parts: bytes, subtype: bytes = b"mixed", end: bytes = b"--"
) -> bytes:
    body = b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts)
    head = b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (subtype, boundary)
    return head + body + (b"--%b%b\r\n" % (boundary, end) if end != b"none" else b"")


def nested(depth: int) -> bytes:
    made = text("Content-Type: text/plain", "", "au fond")
    for level in range(depth):
        made = multipart(b"niveau-%d-" % level, made)
    return b"Subject: profondeur\r\nMIME-Version: 1.0\r\n" + made


def messages(depth: int) -> bytes:
    made = text("Subject: au fond", "", "fond")
    for level in range(depth):
        made = text(f"Subject: niveau {level}", "Content-Type: message/rfc822", "") + made
    return made


PART = text("Content-Type: text/plain; charset=utf-8", "", "première", "partie")
BINARY = text(
    'Content-Type: application/octet-stream; name="un deux.bin"',
    "Content-Transfer-Encoding: base64",
    'Content-Disposition: attachment; filename="un deux.bin"; size=12',
    "Content-ID: <piece@minfo.sn>",
    "Content-Description: une pièce",
    "Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==",
    "Content-Language: fr, en-GB (x) ,de",
    "Content-Location: http://www.minfo.sn/",
    "\tpiece",
    "",
) + base64.encodebytes(bytes(range(256))).replace(b"\n", b"\r\n")
MIME = b"From: a@b.sn\r\nSubject: mime\r\nMIME-Version: 1.0\r\n"

PARTS: dict[str, bytes] = {
    "mixed": MIME + multipart(b"b1", PART, BINARY),
    "alternative": MIME
    + multipart(
        b"=_alt", PART, text("Content-Type: text/html", "Content-Transfer-Encoding: quoted-printable", "", "<p>=C3=A9t=C3=A9=", "</p>"),
        subtype=b"alternative",
    ),
    "preamble": MIME + multipart(b"b", PART).replace(b"\r\n\r\n", b"\r\n\r\nAvant.\r\n", 1) + b"Apr\xe8s.\r\n",
    "no-final": MIME + multipart(b"b", PART, PART, end=b"none"),
    "no-final-crlf": MIME + multipart(b"b", PART, end=b"none") + b"--b--",
    "no-parts": MIME + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\nrien\r\n',
    "no-boundary": MIME + b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    "empty-boundary": MIME + b'Content-Type: multipart/mixed; boundary=""\r\n\r\n--\r\n\r\nx\r\n----\r\n',
    "empty-parts": MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b--\r\n",
    "header-cut": MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n--b\r\nX: y\r\n--b--\r\n",
    "header-cut-message": MIME
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n--b--\r\n",
    "header-cut-nested": MIME
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/digest; boundary=c\r\n\r\n--c\r\nSubject: x\r\n--b\r\n\r\ny\r\n--b--\r\n",
    "truncated-boundary": MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n",
    "truncated-boundary-2": MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b",
    "prefixes": MIME
    + multipart(b"a", multipart(b"ab", PART, multipart(b"abc", PART, PART)), PART),
    "prefixes-2": MIME + multipart(b"abc", multipart(b"ab", multipart(b"a", PART, PART), PART), PART),
    "same-boundary": MIME + multipart(b"b", multipart(b"b", PART, PART), PART),
    "boundary-with-dashes": MIME + multipart(b"b--", PART, PART),
    "boundary-in-text": MIME + multipart(b"b", text("", "--", "---b", " --b", "-b", "--c"), PART),
    "boundary-and-more": MIME + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b  \r\n\r\nx\r\n--bc\r\n\r\ny\r\n--b-- fin\r\n",
    "boundary-spaces": MIME + b'Content-Type: multipart/mixed; boundary="b c "\r\n\r\n--b c \r\n\r\nx\r\n--b c --\r\n',
    "boundary-long": MIME + multipart(b"L" * 100, PART, PART),
    "boundary-twice": MIME + b"Content-Type: multipart/mixed; boundary=b; boundary=c\r\n\r\n--b\r\n\r\nx\r\n--c\r\n\r\ny\r\n--b--\r\n",
    "boundary-2231": MIME + b"Content-Type: multipart/mixed; boundary*0=b; boundary*1=c\r\n\r\n--bc\r\n\r\nx\r\n--bc--\r\n",
    "outer-ends-inner": MIME
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b\r\n\r\ny\r\n--c\r\n\r\nz\r\n--b--\r\n",
    "outer-ended-first": MIME
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b--\r\n--c--\r\nfin\r\n",
    "after-the-end": MIME + multipart(b"b", PART) + b"--b\r\n\r\nencore\r\n--b--\r\n",
    "digest": MIME
    + multipart(b"d", b"\r\nSubject: un\r\n\r\n1\r\n", b"Content-Type: text/plain\r\n\r\n2\r\n", b"\r\n", subtype=b"digest"),
    "message": MIME
    + multipart(b"b", PART, b"Content-Type: message/rfc822\r\n\r\n" + HEADERS["plain"], b"Content-Type: Message/RFC822\r\n\r\n" + MIME + multipart(b"c", PART, BINARY)),
    "message-root": MIME + b"Content-Type: message/rfc822\r\n\r\n" + HEADERS["words"],
    "message-empty": MIME + b"Content-Type: message/rfc822\r\n\r\n",
    "message-base64": MIME
    + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp4DQo=\r\n",
    "message-global": MIME + b"Content-Type: message/global\r\n\r\n" + HEADERS["utf8"],
    "message-partial": MIME + b"Content-Type: message/partial; number=1; total=2; id=x\r\n\r\nSubject: y\r\n\r\nz\r\n",
    "report": MIME
    + multipart(b"r", PART, b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: failed\r\n", b"Content-Type: text/rfc822-headers\r\n\r\nSubject: z\r\n", subtype=b"report"),
    "no-mime-version": text("Subject: x", "Content-Transfer-Encoding: base64", "Content-ID: <x>", "", "w6k="),
    "mime-version-only": text("Subject: x", "MIME-Version: 1.0", "Content-Transfer-Encoding: base64", "", "w6k="),
    "type-only": text("Content-Type: text/html", "Content-ID: <x>", "", "<p>"),
    "type-bare": text("Content-Type: html", "", "x"),
    "type-empty": text("Content-Type:", "", "x"),
    "type-text": text("Content-Type: text", "", "x"),
    "type-slash": text("Content-Type: text/", "", "x"),
    "type-no-main": text("Content-Type: /plain", "", "x"),
    "type-spaces": text("Content-Type: text / plain ; charset = utf-8", "", "x"),
    "type-comment": text("Content-Type: (c) text/(d)plain; (e) charset=(f)utf-8 (g)", "", "x"),
    "type-junk": text("Content-Type: text/plain charset=utf-8; name=x", "", "x"),
    "type-twice": text("Content-Type: text/html", "Content-Type: text/plain; charset=x", "", "x"),
    "type-unclosed": text("Content-Type: text(plain", "", "x"),
    "type-twice-odd": MIME
    + b"Content-Type: multipart/mixed; boundary=b\r\nContent-Type: text/plain\r\n\r\nmot\r\n",
    "type-quoted": text('Content-Type: text/plain; name="a;b=\\"c\\""; x="y', "", "x"),
    "type-params": text('Content-Type: text/plain; a=1;;b=2; ; c=3; d; e=; f==?utf-8?Q?x?=; g="', ' pli\u00e9"; h=a/b; i=j', "", "x"),
    "type-2231": text(
        "Content-Type: text/plain; name*=utf-8''%C3%A9t%C3%A9; a*0*=iso-8859-1'fr'%E9; a*1=%x; b*1=y; b*0=x; c*2=z; D*0=1; d*1=2", "", "x",
    ),
    "type-eight-bit": b'Content-Type: text/plain; name="\xe9t\xe9"; x=\xc3\xa9\r\n\r\nx\r\n',
    "type-nul": b'Content-Type: text/plain; name="a\0b"; x=c\0d\r\n\r\nx\r\n',
    "disposition-twice": text("Content-Type: text/plain", "Content-Disposition: inline", "Content-Disposition: attachment; filename=x", "Content-Disposition: a; b=c", "", "x"),
    "disposition-odd": text("Content-Type: text/plain", "Content-Disposition: ; filename=x", "Content-Language: ", "Content-ID:", "Content-MD5: a", " b", "", "x"),
    "encoding-odd": text("Content-Type: text/plain", "Content-Transfer-Encoding: base64; x", "Content-Transfer-Encoding: 8bit (c)", "", "x"),
    "encoding-unknown": text("Content-Type: text/plain", "Content-Transfer-Encoding: x-uuencode", "", "begin 644 x"),
    "encoding-upper": text("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: Quoted-Printable", "", "=C3=A9t=C3=A9 =", "suite=20", "fin =", "=xy=Z"),
    "qp-odd": b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\na=\r\nb = \r\nc=4\r\n=41=\r\n  \t\r\nd=3d=3D=\n",
    "base64-odd": text("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "", "w6l0", " w6k", "=", "w6k=", "AAA"),
    "base64-broken": text("Content-Type: text/plain", "Content-Transfer-Encoding: base64", "", "w6l0w6k*w6k="),
    "base64-short": text("Content-Type: text/plain", "Content-Transfer-Encoding: base64", "", "w6l0w6"),
    "base64-binary": b"Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\nAAECAw==\r\n",
    "latin1": b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xe9t\xe9 \xe0 Saint-Louis\r\n",
    "charset-unknown": b"Content-Type: text/plain; charset=x-nulle-part\r\n\r\n\xe9t\xe9 mot\r\n",
    "utf16": b"Content-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\n6QB0AOkA\r\n",
    "html-only": text("Content-Type: text/html; charset=utf-8", "", "<html><body>b&eacute;", "<b>gras</b> été</body></html>"),
    "deep-20": nested(20),
    "deep-99": nested(99),
    "deep-103": nested(103),
    "messages-20": messages(20),
    "messages-99": messages(99),
    "messages-103": messages(103),
    "many-parts": MIME + multipart(b"b", *(b"\r\npartie %d\r\n" % n for n in range(300))),
    "bare-lf-parts": (MIME + multipart(b"b", PART, BINARY)).replace(b"\r\n", b"\n"),
    "mixed-lf-parts": MIME + multipart(b"b", PART.replace(b"\r\n", b"\n"), b"\nx\n") + b"\n--b--\n",
    "nul-parts": MIME + multipart(b"b", b"\r\n\0\r\n", b"Content-Type: application/x\r\n\r\n\0\0"),
    "crlf-only": b"\r\n\r\n",
    "no-newline-multipart": MIME + b"Content-Type: multipart/mixed; boundary=b",
}  # fmt: skip

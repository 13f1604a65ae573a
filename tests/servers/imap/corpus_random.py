"""Messages made at random from a seed."""

from __future__ import annotations

import base64
import random

from tests.servers.imap.corpus_headers import DATES, SUBJECTS, text


class Maker:
    """Random messages: pieces that are legal, and pieces that are not."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._boundaries = 0

    def message(self) -> bytes:
        return b"".join(self._fields()) + self._entity(0)

    def _fields(self) -> list[bytes]:
        pick = self._random
        fields = [
            b"Subject: " + pick.choice(SUBJECTS).encode(),
            b"From: " + self._addresses(),
            b"To: " + self._addresses(),
            b"Cc: " + self._addresses(),
            b"Date: " + pick.choice(DATES).encode(),
            b"Message-ID: <%d@hasard.minfo.sn>" % pick.randrange(10**6),
            b"In-Reply-To: <%d@hasard.minfo.sn>" % pick.randrange(10**6),
            b"X-Divers: " + bytes(pick.randrange(32, 256) for _ in range(pick.randrange(40))),
            b"Reply-To: " + self._addresses(),
            b"MIME-Version: 1.0",
        ]
        kept = [field for field in fields if pick.random() < 0.8]
        pick.shuffle(kept)
        return [field + pick.choice([b"\r\n"] * 9 + [b"\n"]) for field in kept]

    def _addresses(self) -> bytes:
        pieces = [b"a@b.sn", b"Nom <c@d>", b'"Q N" <e@f.g>', b",", b";", b"G:", b"(c)", b"<", b">", b"@",
                  b".", b" ", b"x", b"=?utf-8?Q?=C3=A9?=", b"\r\n ", b'"', b"\xe9", b"\\", b"[1.2]"]  # fmt: skip
        pick = self._random
        if pick.random() < 0.5:
            return b", ".join(pick.choices(pieces[:3], k=pick.randrange(1, 4)))
        return b"".join(pick.choices(pieces, k=pick.randrange(1, 9)))

    def _entity(self, depth: int) -> bytes:
        pick = self._random
        kind = pick.random()
        if kind < 0.4 and depth < 4:
            return self._multipart(depth)
        if kind < 0.5 and depth < 4:
            return b"Content-Type: message/rfc822\r\n\r\n" + self.message()
        return self._leaf()

    def _multipart(self, depth: int) -> bytes:
        pick = self._random
        self._boundaries += 1
        boundary = pick.choice([b"b", b"bb", b"b%d" % self._boundaries, b"=_%d" % self._boundaries])
        head = b"Content-Type: multipart/%b; boundary=%b\r\n" % (
            pick.choice([b"mixed", b"digest", b"alternative"]), b'"%b"' % boundary,
        )  # fmt: skip
        parts = [self._entity(depth + 1) for _ in range(pick.randrange(4))]
        joined = b"".join(
            b"--%b%b%b%b" % (boundary, pick.choice([b"\r\n"] * 5 + [b"\n", b" \r\n"]), part, pick.choice([b"\r\n"] * 5 + [b"", b"\n"]))
            for part in parts
        )  # fmt: skip
        end = b"--%b--\r\n" % boundary if pick.random() < 0.8 else b""
        return (
            head
            + b"\r\n"
            + pick.choice([b"", b"pr\xe9ambule\r\n"])
            + joined
            + end
            + pick.choice([b"", b"fin\r\n"])
        )

    def _leaf(self) -> bytes:
        pick = self._random
        words = " ".join(
            pick.choices(
                ["été", "Dakar", "réunion", "mot", "--b", "=?x", "Straße"], k=pick.randrange(12)
            )
        )
        charset = pick.choice(["utf-8", "iso-8859-1", "us-ascii", "x-inconnu"])
        octets = words.encode(charset if charset.startswith(("utf", "iso")) else "utf-8", "replace")
        encoding = pick.choice(["", "7bit", "8bit", "base64", "quoted-printable", "x-autre"])
        if encoding == "base64":
            octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
        head = [
            f"Content-Type: {pick.choice(['text/plain', 'text/html', 'application/pdf'])}; charset={charset}"
        ]
        if encoding:
            head.append(f"Content-Transfer-Encoding: {encoding}")
        if pick.random() < 0.3:
            head.append('Content-Disposition: attachment; filename="fichier.txt"')
        pick.shuffle(head)
        return (
            text(*head[: pick.randrange(len(head) + 1)], "")
            + octets
            + pick.choice([b"\r\n", b"", b"\n\n"])
        )

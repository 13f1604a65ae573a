"""Whatever must differ each time, and be the same with the same seed."""

from __future__ import annotations

import random
from base64 import b64encode
from collections import Counter
from functools import lru_cache


@lru_cache
def _table(alphabet: str) -> bytes:
    """Each octet's letter of an ASCII alphabet."""
    return bytes(ord(alphabet[octet % len(alphabet)]) for octet in range(256))


class Ids:
    """Queue ids, process ids, names and random bytes, all drawn from one seed.

    Each kind has a generator of its own, so that one more pid changes no queue id.
    """

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._generators: dict[str, random.Random] = {}
        self._counts: Counter[str] = Counter()

    def generator(self, kind: str) -> random.Random:
        """The generator of this kind."""
        if kind not in self._generators:
            # The labs' ids must repeat; they protect nothing.
            self._generators[kind] = random.Random(f"{self.seed}/{kind}")  # noqa: S311
        return self._generators[kind]

    def bytes(self, kind: str, size: int) -> bytes:
        """`size` random octets."""
        return self.generator(kind).randbytes(size)

    def queue_id(self, instance: str = "postfix") -> str:
        """A short queue id, `4F2A31C0D5`: ten hexadecimal digits, none twice."""
        count = self._next(f"queue/{instance}")
        return f"{self.generator(instance).randrange(0x10000, 0x100000):05X}{0x40000 + count:05X}"

    def pid(self) -> int:
        """The next process id."""
        return 1000 + self._next("pid")

    def port(self) -> int:
        """The next client's port: one of those that Linux gives away, up from 32768."""
        return 32768 + self._next("port") % (60999 - 32768)

    def word(self, kind: str, length: int, alphabet: str) -> str:
        """A word of `length` letters of `alphabet`."""
        # Random.choices would draw for each letter; an octet each is as good for names.
        octets = self.generator(kind).randbytes(length)
        return octets.translate(_table(alphabet)).decode("ascii")

    def session(self) -> str:
        """An LMTP session's name: 128 bits in base64, as Dovecot's GUIDs are shown."""
        return b64encode(self.generator("session").randbytes(16)).decode("ascii").rstrip("=")

    def state(self) -> dict[str, int]:
        """How many of each were drawn: for the fingerprint."""
        return dict(self._counts)

    def _next(self, kind: str) -> int:
        self._counts[kind] += 1
        return self._counts[kind]

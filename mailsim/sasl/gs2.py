"""The header that SCRAM and OAUTHBEARER share: channel binding flag and authzid (RFC 5801)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailsim.sasl.mechanism import malformed
from mailsim.sasl.message import Part, part

_GRAMMAR = 'gs2-cbind-flag "," [ "a=" saslname ] ","'
_FLAG = re.compile(r"n|y|p=([A-Za-z0-9.-]+)")
_SASLNAME = re.compile(r"(?:[^\0,=]|=2C|=3D)+")


@dataclass(frozen=True, slots=True)
class Gs2Header:
    """`flag` is "n", "y" or "p"; `binding` the channel binding's name after "p="."""

    flag: str = "n"
    binding: str = ""
    authzid: str = ""

    @property
    def text(self) -> str:
        authzid = f"a={saslname(self.authzid)}" if self.authzid else ""
        return f"{self._cbind},{authzid},"

    @property
    def parts(self) -> tuple[Part, ...]:
        return part("gs2-cbind-flag", self._cbind), part("authzid", self.authzid)

    @property
    def _cbind(self) -> str:
        return f"p={self.binding}" if self.flag == "p" else self.flag


def split(text: str, mechanism: str) -> tuple[Gs2Header, str]:
    """The header at the head of `text`, and what follows it.  RFC 5802 §7:

        gs2-header     = gs2-cbind-flag "," [ authzid ] ","
        gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
        authzid        = "a=" saslname

    Raises RemoteProtocolError.
    """
    fields = text.split(",", 2)
    flag = _FLAG.fullmatch(fields[0])
    if len(fields) != 3 or not flag or fields[1][:2] not in ("", "a="):
        raise malformed(mechanism, _GRAMMAR)
    authzid = unquoted(fields[1][2:], mechanism) if fields[1] else ""
    return Gs2Header(fields[0][0], flag[1] or "", authzid), fields[2]


def saslname(name: str) -> str:
    """`name` with "=" and "," quoted (RFC 5802 §5.1: "sent as '=2C' and '=3D'")."""
    return name.replace("=", "=3D").replace(",", "=2C")


def unquoted(quoted: str, mechanism: str) -> str:
    """The name that `quoted` stands for.  RFC 5802 §7:

        saslname = 1*(value-safe-char / "=2C" / "=3D")

    Raises RemoteProtocolError, for "=" followed by anything else among others.
    """
    if not _SASLNAME.fullmatch(quoted):
        raise malformed(mechanism, 'saslname = 1*(value-safe-char / "=2C" / "=3D")')
    return quoted.replace("=2C", ",").replace("=3D", "=")

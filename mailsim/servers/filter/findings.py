"""One look through a message: what the checks need to know of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailsim.servers.filter.archive import Unpacker
from mailsim.servers.filter.banned import banned
from mailsim.servers.filter.message import Message, Part
from mailsim.servers.filter.validity import MIME, check
from mailsim.servers.filter.virus import OVERLAP, Scanner

# Amavis's $sa_mail_body_size_limit, as Debian sets it: SpamAssassin sees no more of a message.
SPAM_LIMIT = 200 * 1024


@dataclass(slots=True)
class Findings:
    """What was found.  `bad_header` is Amavis's minor category and its words; `hold` the bound
    that an archive passed; `text` what SpamAssassin may read of the body."""

    message: Message
    viruses: list[str] = field(default_factory=list)
    banned: str = ""
    bad_header: tuple[int, str] = (0, "")
    encrypted: bool = False
    undecipherable: bool = False
    hold: str = ""
    text: str = ""
    html: bool = False
    plain: bool = False
    base64_text: bool = False
    attachment: bool = False

    @property
    def unchecked(self) -> bool:
        """Whether something in it could not be looked at."""
        return bool(self.hold) or self.encrypted or self.undecipherable


def look(content: bytes, *, for_viruses: bool) -> Findings:
    """Look through `content`.  Raises nothing, whatever it is."""
    message = Message(content)
    found = Findings(message)
    scanner = Scanner()
    unpacker = Unpacker(len(content), scanner.scan, OVERLAP)
    scanner.scan(content)
    texts: list[str] = []
    walk = message.walk()
    for part in walk:
        _part(part, found, scanner, unpacker)
        _text(part, found, texts)
    found.text = "\n".join(texts)
    _unpacked(found, unpacker)
    # A bomb is kept from the virus scanner: what Amavis could not unpack it does not hand on.
    found.viruses = scanner.names if for_viruses and not found.hold else []
    found.bad_header = check(message.head)
    if walk.errors:
        found.bad_header = (found.bad_header[0] or MIME, f"MIME error: {'; '.join(walk.errors)}")
    return found


def _part(part: Part, found: Findings, scanner: Scanner, unpacker: Unpacker) -> None:
    if part.encoded:  # else it was seen with the whole message
        scanner.scan(part.body)
    if not found.banned and (part.name or part.type.startswith("application/")):
        found.banned = banned(part.type, part.name)
    unpacker.open(part.body)


def _unpacked(found: Findings, unpacker: Unpacker) -> None:
    result = unpacker.result
    found.encrypted, found.undecipherable = result.encrypted, result.undecipherable
    found.hold = result.hold
    if not found.banned:
        found.banned = next((said for name in result.names if (said := banned("", name))), "")


def _text(part: Part, found: Findings, texts: list[str]) -> None:
    if part.attachment or not part.type.startswith("text/"):
        found.attachment = True
        return
    if part.type == "text/html":
        found.html = True
    else:
        found.plain = True
    found.base64_text |= part.encoding == "base64"
    room = SPAM_LIMIT - sum(map(len, texts))
    if room > 0:
        texts.append(part.body[:room].decode("utf-8", "replace"))

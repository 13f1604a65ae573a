"""The virus scanner: the lab's ClamAV, which knows the EICAR test file and nothing else (CLM5).

The lab reaches no internet, so its ClamAV has two small signature files of its own instead of
freshclam's; they call it as the thesis's ClamAV of 2010 did.  Today's official database says
Win.Test.EICAR_HDB-1 or Eicar-Signature.
"""

from __future__ import annotations

from typing import Final

EICAR: Final = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURES: Final = (("Eicar-Test-Signature", EICAR),)
SCANNER: Final = "ClamAV-clamd"
OVERLAP: Final = max(len(pattern) for _, pattern in SIGNATURES) - 1


class Scanner:
    """Looks at octets; `names` are the viruses found, each once."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def scan(self, data: bytes) -> None:
        """Look at these octets."""
        for name, pattern in SIGNATURES:
            if pattern in data and name not in self.names:
                self.names.append(name)

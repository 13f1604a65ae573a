"""Whose each row of the inventory is: a client sees it, the inside shows it, or a lab explains it."""

from __future__ import annotations

from typing import Final

EXPLAINED: Final = {
    "INT1": "why a company wants mail",
    "INT2": "what is at stake",
    "INT3": "a glossary",
    "CON2": "clients compared",
    "CON3": "where filters may stand",
    "CON4": "connection-oriented or connectionless",
    "CON10": "a figure",
    "CMP1": "software compared",
    "CMP2": "software compared",
    "CMP3": "software compared",
    "OS4": "partitions are the virtual machine's",
}
_INSIDE = """
OS1 OS2
DNS1 DNS2 DNS3 DNS4 DNS5 DNS8
WEB3 WEB4 WEB5 WEB7
MTA1
MDA2
SAS4
TLS2
FW2 FW4 FW5
CLM1 CLM2
SPA2 SPA3 SPA4 SPA6 SPA7
DEM8
"""
_CLIENT = """
CON1 CON5 CON6 CON7 CON8 CON9 CON11
OS3 OS5
DNS6 DNS7
WEB1 WEB2 WEB6 WEB8 WEB9 WEB10
MTA2 MTA3 MTA4 MTA5 MTA6
MDA1
SAS1 SAS2 SAS3 SAS5 SAS6
REL1 REL2 REL3 REL4 REL5 REL6 REL7 REL8 REL9
TLS1 TLS3 TLS4 TLS5 TLS6
FW1 FW3
AMA1 AMA2 AMA3
CLM3 CLM4 CLM5
SPA1 SPA5 SPA8 SPA9 SPA10
SIE1 SIE2 SIE3 SIE4 SIE5 SIE6 SIE7
ANX1 ANX2 ANX3
DEM1 DEM2 DEM3 DEM4 DEM5 DEM6 DEM7
"""
INSIDE: Final = frozenset(_INSIDE.split())
CLIENT: Final = frozenset(_CLIENT.split())

"""What is known about mail protocols: frozen tables, read from JSON when first needed.

    >>> from mailsim import knowledge
    >>> knowledge.entry("smtp.reply.550").short("fr")

Every entry has an id of three parts, `AREA.KIND.NAME` ("imap.code.UIDNEXT"); one
file `data/AREA.KIND.json` holds the entries of one AREA.KIND.
"""

from mailsim.knowledge.tables import (
    Entry,
    Ref,
    Registry,
    Table,
    entry,
    find,
    search,
    table,
    tables,
)

__all__ = ["Entry", "Ref", "Registry", "Table", "entry", "find", "search", "table", "tables"]

"""Settings as a table in HTML: file by file, each with what it was and why it is so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from itertools import groupby
from typing import Any, Final

from mailsim.language import word

# As in html.py: JupyterLab's colours, and signs that say the same without them.
_STYLE: Final = """
.m-settings{border-collapse:collapse;color:var(--jp-content-font-color1,inherit)}
.m-settings.m-settings.m-settings th,.m-settings.m-settings.m-settings td{padding:.1em .6em;
 text-align:left;vertical-align:top;background:none;overflow-wrap:anywhere}
.m-settings.m-settings.m-settings td.m-set{white-space:pre-wrap;
 font:13px/1.5 var(--jp-code-font-family,monospace)}
.m-settings tr{border-top:1px solid var(--jp-border-color2,#ccc)}
""".replace("\n", "")
_COLUMNS: Final = {
    "name": "settings.name",
    "before": "settings.before",
    "value": "settings.value",
    "reason": "settings.reason",
    "ids": "settings.ids",
}


def settings_html(documents: Iterable[Mapping[str, Any]], *, lang: str) -> str:
    """A table of what `Setting.document` gives; before is left out where nothing was."""
    known = list(documents)
    was = any(_changed(row) and row["before"] is not None for row in known)
    columns = [one for one in _COLUMNS if one != "before" or was]
    head = "".join(f'<th scope="col">{escape(word(_COLUMNS[one], lang))}</th>' for one in columns)
    body = "".join(
        _heading(file, len(columns)) + "".join(_row(one, columns, lang) for one in rows)
        for file, rows in groupby(known, lambda one: str(one["file"]))
    )
    return (
        f'<style>{_STYLE}</style><table class="m-settings" lang="{lang}" '
        f'aria-label="{escape(word("settings.table", lang))}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def _heading(file: str, width: int) -> str:
    return f'<tr><th scope="rowgroup" colspan="{width}">{escape(file)}</th></tr>'


def _row(one: Mapping[str, Any], columns: Iterable[str], lang: str) -> str:
    shown = {
        "name": " › ".join(filter(None, (one["section"], one["name"]))),
        "before": _value(one["before"], lang) if _changed(one) else "",
        "value": _value(one["value"], lang),
        "reason": one["reason"],
        "ids": ", ".join(one["ids"]) + "".join(f", §{section}" for section in one["thesis"]),
    }
    if one["fault"]:
        shown["reason"] += f" ({word('settings.fault', lang, name=one['fault'])})"
    plain, style = {"reason", "ids"}, ("", ' class="m-set"')
    cells = (f"<td{style[name not in plain]}>{escape(shown[name])}</td>" for name in columns)
    return f"<tr>{''.join(cells)}</tr>"


def _changed(one: Mapping[str, Any]) -> bool:
    return bool(one["value"] != one["before"])


def _value(value: str | None, lang: str) -> str:
    """An empty value is one too; "—" where there is none."""
    return "—" if value is None else value or word("settings.empty", lang)

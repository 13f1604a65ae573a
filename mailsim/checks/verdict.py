"""What a check found, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from mailsim.knowledge import Ref
from mailsim.language import language, word


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether it was done, the sentence that says why, and one that helps on."""

    passed: bool
    reason: str
    hint: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    ref: Ref | None = None

    def hinted(self, **params: object) -> Finding:
        """With what the hint names beside what the reason does."""
        return replace(self, params={**self.params, **params})


def good(reason: str, /, ref: Ref | None = None, **params: object) -> Finding:
    """It was done."""
    return Finding(passed=True, reason=reason, params=params, ref=ref)


def bad(reason: str, hint: str, ref: Ref | None = None, /, **params: object) -> Finding:
    """It was not, or not yet."""
    return Finding(passed=False, reason=reason, hint=hint, params=params, ref=ref)


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """A self-check of one exercise, worded when it is shown.

    `ref`: the RFC's section with heading and words; `thesis`: the thesis's section.
    """

    exercise: str
    title: str
    finding: Finding
    ref: Ref | None
    thesis: str

    @property
    def passed(self) -> bool:
        """Whether it was done."""
        return self.finding.passed

    def __bool__(self) -> bool:
        return self.passed

    def heading(self, lang: str | None = None) -> str:
        """Which exercise, and whether it was done: a sign and a word, not a colour."""
        spoken = language(lang)
        state = word("checks.passed" if self.passed else "checks.not-yet", spoken)
        mark = "✔" if self.passed else "✘"
        return f"{mark} {self.exercise} {word(self.title, spoken)}{state}"

    def reason(self, lang: str | None = None) -> str:
        """What was seen."""
        return word(self.finding.reason, language(lang), **_safe(self.finding.params))

    def hint(self, lang: str | None = None) -> str:
        """What to do next; "" where nothing is missing."""
        params = _safe(self.finding.params)
        return word(self.finding.hint, language(lang), **params) if self.finding.hint else ""

    def reference(self, lang: str | None = None) -> str:
        """The thesis's section, and the RFC's with heading and words."""
        where = [word("checks.thesis", language(lang), section=self.thesis)] if self.thesis else []
        if self.ref is not None:
            quoted = f" “{self.ref.quote}”" if self.ref.quote else ""
            where.append(f"{self.ref} {self.ref.heading}{quoted}".rstrip())
        return " · ".join(where)

    def text(self, lang: str | None = None) -> str:
        """All of it, a line each."""
        rows = (self.reason(lang), f"→ {self.hint(lang)}", self.reference(lang))
        shown = (f"  {row}" for row in rows if row not in {"", "→ "})
        return "\n".join((self.heading(lang), *shown))

    def __repr__(self) -> str:
        return self.text()

    def document(self, lang: str | None = None) -> dict[str, Any]:
        """The same as values that JSON knows."""
        return {
            "exercise": self.exercise,
            "title": word(self.title, language(lang)),
            "passed": self.passed,
            "reason": self.reason(lang),
            "hint": self.hint(lang),
            "reference": self.reference(lang),
        }

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def html(self, lang: str | None = None) -> str:
        """A box: the sign and the word say it, the border only repeats it."""
        colour = "--jp-success-color0,#1b7f3b" if self.passed else "--jp-warn-color0,#a15c00"
        hint, parts = self.hint(lang), [f"<b>{escape(self.heading(lang))}</b>"]
        parts.append(escape(self.reason(lang)))
        parts += [f"→ {escape(hint)}"] if hint else []
        parts.append(f"<small>{escape(self.reference(lang))}</small>")
        style = (
            f"border-left:4px solid var({colour});padding:.2em .8em;"
            "color:var(--jp-content-font-color1,inherit)"
        )
        return f'<div style="{style}" lang="{language(lang)}">{"<br>".join(parts)}</div>'


def _safe(params: Mapping[str, object]) -> dict[str, object]:
    """What came off the wire on one line, and no longer than a line."""
    return {
        name: value if isinstance(value, (int, float)) else _one_line(str(value))
        for name, value in params.items()
    }


def _one_line(text: str) -> str:
    printable = "".join(one if one.isprintable() else "�" for one in text)
    return printable if len(printable) <= 200 else f"{printable[:199]}…"

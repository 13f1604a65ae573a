"""The return-code explorer: a search, three filters, a list, and all that is known of one code."""

from __future__ import annotations

from typing import Any, Final

import ipywidgets

from mailsim.errors import MailsimError
from mailsim.language import LANGUAGES, word
from mailsim.render.explained import meaning_fields
from mailsim.ui import markup
from mailsim.ui.own_keys import WIDE, box, row
from mailsim.ui.return_codes import PROTOCOLS, ReturnCode, find_codes
from mailsim.ui.shown import Shown
from mailsim.wire.outcome import Outcome

_SHOWN: Final = 200
_CLASSES: Final = {
    Outcome.SUCCESS: "ui.class.success",
    Outcome.INTERMEDIATE: "ui.class.intermediate",
    Outcome.TEMPORARY: "ui.class.temporary",
    Outcome.PERMANENT: "ui.class.permanent",
}
_NAMES: Final = {"en": "English", "fr": "français"}
_STYLE: Final = {"description_width": "initial"}


class Explorer(Shown):
    """Searches the return codes; `find_codes` is the same without the widget."""

    def __init__(
        self, text: str = "", protocol: str = "", outcome: str = "", lang: str | None = None
    ) -> None:
        super().__init__(lang)
        self._codes = find_codes(text, protocol, outcome, self.lang)
        self.search = ipywidgets.Text(value=text, continuous_update=True, style=_STYLE)
        self.protocol = ipywidgets.Dropdown(style=_STYLE)
        self.outcome = ipywidgets.Dropdown(style=_STYLE)
        self.language = ipywidgets.Dropdown(
            options=[(_NAMES[one], one) for one in LANGUAGES], value=self.lang, style=_STYLE
        )
        self.found = ipywidgets.Select(rows=10, layout=WIDE, style=_STYLE)
        self.count = ipywidgets.HTML()
        self.detail = ipywidgets.HTML()
        self._word(protocol, outcome)
        for one in (self.search, self.protocol, self.outcome):
            one.observe(self._search, "value")
        self.language.observe(self._speak, "value")
        self.found.observe(self._detail, "value")
        asked = row(self.search, self.protocol, self.outcome, self.language)
        label = word("ui.explorer.label", self.lang)
        self.widget = box(label, [asked, self.count, self.found, self.detail])
        self._search()

    @property
    def codes(self) -> tuple[ReturnCode, ...]:
        """What was found."""
        return self._codes

    @property
    def text(self) -> str:
        """The codes found, a line each."""
        lines = (self._line(one) for one in self._codes[:_SHOWN])
        return "\n".join((word("ui.explorer.count", self.lang, count=len(self._codes)), *lines))

    def _word(self, protocol: str, outcome: str) -> None:
        """Every control in the language that is chosen; what was chosen stays."""
        lang = self.lang
        every = word("ui.explorer.all", lang)
        self.search.description = word("ui.explorer.search", lang)
        self.search.placeholder = word("ui.explorer.placeholder", lang)
        self.search.tooltip = self.search.placeholder
        self.protocol.description = word("ui.explorer.protocol", lang)
        self.protocol.options = [(every, ""), *((one, one) for one in PROTOCOLS)]
        self.protocol.value = protocol
        self.outcome.description = word("ui.explorer.class", lang)
        classes = ((word(name, lang), one.value) for one, name in _CLASSES.items())
        self.outcome.options = [(every, ""), *classes]
        self.outcome.value = outcome
        self.language.description = word("ui.explorer.language", lang)
        self.found.description = word("ui.explorer.found", lang)

    def _speak(self, change: dict[str, Any]) -> None:
        kept = self.protocol.value, self.outcome.value
        self.lang = change["new"]
        self._word(*kept)
        self._search()

    def _search(self, _: object = None) -> None:
        if self.protocol.value is None or self.outcome.value is None:
            return  # the options are being worded anew
        asked = (self.search.value, self.protocol.value, self.outcome.value)
        try:
            self._codes = find_codes(*asked, self.lang)
        except MailsimError as error:
            self.count.value = markup.block(
                markup.said(error.worded(self.lang), failed=True), lang=self.lang
            )
            return
        shown = self._codes[:_SHOWN]
        self.found.options = [(self._line(one), at) for at, one in enumerate(shown)]
        self.found.value = 0 if shown else None
        count = word("ui.explorer.count", self.lang, count=len(self._codes))
        self.count.value = markup.block(markup.said(count), lang=self.lang)
        self._detail()

    def _line(self, one: ReturnCode) -> str:
        classes = ", ".join(word(_CLASSES[each], self.lang) for each in one.outcomes)
        parts = (one.name, ", ".join(one.protocols), classes, one.entry.short(self.lang))
        return " · ".join(part for part in parts if part)

    def _detail(self, _: object = None) -> None:
        at = self.found.value
        if at is None or at >= len(self._codes):
            self.detail.value = ""
            return
        meaning = self._codes[at].meaning()
        rows = [
            (word(f"render.{field}", self.lang), text)
            for field, text in meaning_fields(meaning, self.lang)
        ]
        self.detail.value = markup.block(
            markup.fields(meaning.short(self.lang), rows), lang=self.lang
        )

"""The journey view: a message's way, stop by stop."""

from __future__ import annotations

from html import escape

import ipywidgets

from mailsim.errors import UsageError
from mailsim.lab.lab import Lab
from mailsim.language import word
from mailsim.model.journey import Journey
from mailsim.ui import markup
from mailsim.ui.own_keys import box, row
from mailsim.ui.shown import Shown, telling
from mailsim.ui.stops import StopWords, stop_words


class JourneyView(Shown):
    """The stops, one of them open; `lab.journey(message)` is the same without the widget.

    A lab and a message's id are asked anew by `refresh`; a Journey stays as it is.
    """

    def __init__(self, source: Lab | Journey, message: str = "", lang: str | None = None) -> None:
        super().__init__(lang)
        if isinstance(source, Lab) and not message:
            raise UsageError("ui.no-message")
        self._source, self._message = source, message
        self._stops: tuple[StopWords, ...] = ()
        self._make()
        self._ask()

    def _make(self) -> None:
        self.stop = ipywidgets.Select(
            description=word("ui.journey.stops", self.lang),
            layout={"width": "auto"},
            style={"description_width": "initial"},
        )
        self.back, self.on, self.refresh = (
            ipywidgets.Button(description=word(name, self.lang), layout={"width": "auto"})
            for name in ("ui.journey.back", "ui.journey.on", "ui.panel.refresh")
        )
        self.told, self.detail = ipywidgets.HTML(), ipywidgets.HTML()
        self.back.on_click(lambda _: self.go(-1))
        self.on.on_click(lambda _: self.go(1))
        self.refresh.on_click(lambda _: self._ask())
        self.stop.observe(self._show, "value")
        asks = [self.refresh] if isinstance(self._source, Lab) else []
        label = word("ui.journey.label", self.lang)
        self.widget = box(
            label, [self.told, self.stop, row(self.back, self.on, *asks), self.detail]
        )

    @property
    def journey(self) -> Journey:
        """The message's way as it is now."""
        if isinstance(self._source, Lab):
            return self._source.journey(self._message)
        return self._source

    @property
    def stops(self) -> tuple[StopWords, ...]:
        """What is shown."""
        return self._stops

    @property
    def text(self) -> str:
        """The stops, a line each."""
        return "\n".join(map(str, self._stops)) or word("ui.journey.unknown", self.lang)

    def go(self, by: int) -> None:
        """To the stop that lies `by` stops further on."""
        if self._stops:
            at = (self.stop.value or 0) + by
            self.stop.value = min(max(at, 0), len(self._stops) - 1)

    def _ask(self) -> None:
        with telling(self._failed, self.lang):
            self._stops = stop_words(self.journey, self.lang)
            at = self.stop.value or 0
            self.stop.rows = min(max(len(self._stops), 2), 12)
            self.stop.options = [(f"{n + 1}. {one}", n) for n, one in enumerate(self._stops)]
            self.stop.value = min(at, len(self._stops) - 1) if self._stops else None
            count = word("ui.journey.count", self.lang, count=len(self._stops))
            told = count if self._stops else word("ui.journey.unknown", self.lang)
            self.told.value = markup.block(markup.said(told), lang=self.lang)
            self._show()

    def _show(self, _: object = None) -> None:
        at = self.stop.value
        self.back.disabled = not self._stops or at == 0
        self.on.disabled = not self._stops or at == len(self._stops) - 1
        if at is None or at >= len(self._stops):
            self.detail.value = ""
            return
        found = self._stops[at]
        caption = f"{at + 1}. {found.sentence}"
        self.detail.value = markup.block(
            _way(self._stops, at), markup.fields(caption, found.fields), lang=self.lang
        )

    def _failed(self, sentence: str) -> None:
        self.told.value = markup.block(markup.said(sentence, failed=True), lang=self.lang)


def _way(stops: tuple[StopWords, ...], at: int) -> str:
    """The programs that the message has met, in order; the open stop is marked."""
    marked = (
        f"<b>▶ {escape(one.where)}</b>" if n == at else escape(one.where)
        for n, one in enumerate(stops)
        if n in (at, 0) or stops[n - 1].where != one.where
    )
    return f"<p>{' → '.join(marked)}</p>"

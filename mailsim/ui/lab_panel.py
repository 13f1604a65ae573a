"""The lab panel: what runs, its reset to any stage, its services, mail, log and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import ipywidgets

from mailsim.lab.lab import Lab
from mailsim.language import word
from mailsim.model.stage import Stage
from mailsim.ui import lab_tables, markup
from mailsim.ui.lab_tables import LabTable
from mailsim.ui.own_keys import WIDE, box, row
from mailsim.ui.shown import Shown, telling

_TABLES: Final[dict[str, tuple[str, Callable[[Lab, str], LabTable]]]] = {
    "services": ("ui.panel.services", lab_tables.services),
    "mailboxes": ("ui.panel.mailboxes", lab_tables.mailboxes),
    "queue": ("ui.panel.queue", lab_tables.queue),
    "logs": ("ui.panel.logs", lab_tables.logs),
}
SETTINGS: Final = "settings"
_STYLE: Final = {"description_width": "initial"}


class Panel(Shown):
    """A lab at a glance; `lab.endpoints`, `.mailboxes`, `.queue`, `.logs`, `.settings` and
    `.reset` are the same without the widget."""

    def __init__(self, lab: Lab, lang: str | None = None) -> None:
        super().__init__(lang)
        self.lab = lab
        self._make(lab.stage)
        self.view.observe(self._show, "value")
        for one in (self.first, self.second):
            one.observe(self._show, "value")
        self.reset.on_click(self._reset)
        self.refresh.on_click(self._show)
        act = row(self.stage, self.reset, self.refresh)
        self.stages = row(self.first, self.second)
        label = word("ui.panel.label", self.lang)
        self.widget = box(label, [self.about, act, self.told, self.view, self.stages, self.table])
        self._show()

    def _make(self, stage: Stage) -> None:
        """The controls, each with its description."""

        def named(message_id: str) -> dict[str, object]:
            return {"description": word(message_id, self.lang), "style": _STYLE}

        stages = [one.value for one in Stage]
        before = stages[max(stages.index(stage.value) - 1, 0)]
        self.about, self.told, self.table = (ipywidgets.HTML() for _ in range(3))
        self.stage = ipywidgets.Dropdown(
            options=stages, value=stage.value, **named("ui.panel.stage")
        )
        self.reset = ipywidgets.Button(
            description=word("ui.panel.reset", self.lang),
            tooltip=word("ui.panel.reset-hint", self.lang),
            layout={"width": "auto"},
        )
        self.refresh = ipywidgets.Button(
            description=word("ui.panel.refresh", self.lang),
            tooltip=word("ui.panel.refresh-hint", self.lang),
            layout={"width": "auto"},
        )
        views = [(word(heading, self.lang), name) for name, (heading, _) in _TABLES.items()]
        views.append((word("ui.panel.settings", self.lang), SETTINGS))
        self.view = ipywidgets.RadioButtons(
            options=views, orientation="horizontal", layout=WIDE, **named("ui.panel.view")
        )
        self.first = ipywidgets.Dropdown(options=stages, value=before, **named("ui.panel.first"))
        self.second = ipywidgets.Dropdown(
            options=stages, value=stage.value, **named("ui.panel.second")
        )

    @property
    def text(self) -> str:
        """What the lab is, and its services."""
        return f"{self.lab!r}\n{lab_tables.services(self.lab, self.lang)}"

    def shown(self) -> LabTable:
        """The table that is chosen."""
        if self.view.value == SETTINGS:
            stages = self.first.value, self.second.value
            return lab_tables.settings(self.lab, self.lang, *stages)
        return _TABLES[self.view.value][1](self.lab, self.lang)

    def _show(self, _: object = None) -> None:
        with telling(self._failed, self.lang):
            self.stages.layout.display = "" if self.view.value == SETTINGS else "none"
            found = self.shown()
            self.about.value = markup.block(markup.paragraph(self._about()), lang=self.lang)
            self.table.value = markup.block(*self._parts(found), lang=self.lang)

    def _parts(self, found: LabTable) -> list[str]:
        if not found.rows:
            nothing = word("ui.panel.nothing", self.lang)
            return [markup.paragraph(f"{found.caption}: {nothing}".replace(": ", self._colon()))]
        made = [markup.table(found.caption, found.headings, found.rows)]
        return [*made, markup.paragraph(found.more, "m-soft")] if found.more else made

    def _colon(self) -> str:
        return "\u00a0: " if self.lang == "fr" else ": "

    def _about(self) -> str:
        lab = self.lab
        about = lab._about  # noqa: SLF001 - one question for all of it
        return word(
            "ui.panel.about",
            self.lang,
            name=about.name,
            backend=about.backend,
            release=about.release,
            stage=about.stage,
            faults=", ".join(about.faults) or "-",
        )

    def _reset(self, _: object = None) -> None:
        with telling(self._failed, self.lang):
            self._tell(word("ui.panel.resetting", self.lang))
            self.lab.reset(self.stage.value)
            self._show()
            self._tell(word("ui.panel.done", self.lang, stage=self.stage.value))

    def _tell(self, sentence: str) -> None:
        self.told.value = markup.block(markup.said(sentence), lang=self.lang)

    def _failed(self, sentence: str) -> None:
        self.told.value = markup.block(markup.said(sentence, failed=True), lang=self.lang)

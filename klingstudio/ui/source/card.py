"""The chosen clip: its strip of pictures, its facts, how it is made to fit, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QSizePolicy, QVBoxLayout, QWidget

from klingstudio.domain.errors import Kind
from klingstudio.ui import text, theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.source import Source
from klingstudio.ui.source.facts import facts_lines, plan_markup
from klingstudio.ui.source.fit_row import FitRow
from klingstudio.ui.widgets.icons import IconButton
from klingstudio.ui.widgets.labels import ElidedLabel, label, set_role

if TYPE_CHECKING:
    from klingstudio.domain.media import Framing, Limits, Trim
    from klingstudio.ui.source.framing_row import FramingRow
    from klingstudio.ui.source.part_field import PartField
    from klingstudio.ui.source.strip import TrimStrip

READING, NO_TRIM = "Reading…", "This clip cannot be trimmed here"
_KEYS = "keys"
"""Changes of the part by key press follow each other: together they are one step of undo."""


class SourceCard(QFrame):
    """Shows the source of the draft; what can be trimmed comes with the first clip whose limits are known."""

    replace_wanted = Signal()
    folder_wanted = Signal(str)
    """Path of the file that is to be shown where it lies."""
    previewed = Signal(float, bool)
    """Seconds of the source: a frame that is to be looked at, and whether the hand rests there."""
    preview_ended = Signal()
    """The part is chosen, or all is as it was."""

    def __init__(self, draft: DraftModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._is_compact = False
        self._steps: tuple[str, ...] = ()
        self._strip: TrimStrip | None = None
        self._part: PartField | None = None
        self._framing: FramingRow | None = None
        self.marked: Callable[[], Trim | None] = _nothing
        """What is marked in the player, in seconds of the source. The window says where to ask."""
        self.setProperty("ground", "card")
        self.setObjectName("sourceCard")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._name = ElidedLabel(role="strong", mode=Qt.TextElideMode.ElideMiddle)
        self._facts = label(role="secondary", wraps=True)
        self._plan = QLabel()
        self._plan.setProperty("role", "secondary")
        self._plan.setTextFormat(Qt.TextFormat.RichText)
        self._plan.setWordWrap(True)
        self._plan.setSizePolicy(QSizePolicy.Policy.Ignored, self._plan.sizePolicy().verticalPolicy())
        self.fits = FitRow(self)
        self._remove = IconButton("x", "Remove the video (Del)", self)
        self._remove.setProperty("on", "raised")
        self._remove.clicked.connect(draft.remove_source)

        top = QHBoxLayout()
        top.addWidget(self._name, stretch=1)
        top.addWidget(self._remove)
        self._inside = QVBoxLayout()
        self._inside.setContentsMargins(*(theme.px(n) for n in (12, 6, 8, 12)))
        self._inside.setSpacing(theme.px(3))
        self._inside.addLayout(top)
        self._inside.addWidget(self._facts)
        self._inside.addWidget(self._plan)
        self._inside.addSpacing(theme.px(2))
        self._inside.addWidget(self.fits)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addLayout(self._inside)
        self.fits.fit_wanted.connect(draft.fit)
        self.fits.cancel_wanted.connect(draft.cancel_fit)
        self.fits.help_wanted.connect(self._help)

    @property
    def strip(self) -> TrimStrip | None:
        """Where the used part is chosen by hand; None before there was a clip."""
        return self._strip

    @property
    def part(self) -> PartField | None:
        """The same in figures."""
        return self._part

    @property
    def framing(self) -> FramingRow | None:
        """Bars or a crop; None before it was needed."""
        return self._framing

    @property
    def plan(self) -> str:
        """What changes, as marked up words; empty where nothing does."""
        return "" if self._plan.isHidden() else self._plan.text()

    @property
    def facts(self) -> str:
        return "" if self._facts.isHidden() else self._facts.text()

    def set_compact(self, *, compact: bool) -> None:
        """Without pictures, where there is little room; the part can still be written."""
        self._is_compact = compact
        self._show_room()

    def refresh(self) -> None:
        """Show the source as it stands now."""
        source = self._draft.source
        if source is None:
            if self._strip is not None:
                self._strip.show_clip((), ())
            return
        self.setAccessibleName(f"Source: {source.path.name}")
        self._name.setText(source.path.name)
        self._facts.setText(facts_lines(source.facts) if source.facts else READING)
        self._facts.setVisible(source.facts is not None or source.problem is None)
        set_role(self, "edge", "bad" if source.problem else "")
        self._show_steps(source.plan.steps if source.plan else ())
        provider = self._draft.provider
        cautions = [one for one in self._draft.cautions() if one.subject == "source"]
        self.fits.show_source(source, provider.title if provider else "", cautions)
        if source.facts is not None:
            self._show_part(source, provider.limits if provider else None)
        self._show_framing(source)
        self._show_room()

    def _show_steps(self, steps: tuple[str, ...]) -> None:
        self._steps = steps
        self._plan.setVisible(bool(steps))
        self._plan.setText(plan_markup(steps, theme.tokens(self.palette()).text))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._show_steps(self._steps)

    # the part that is used

    def _show_part(self, source: Source, limits: Limits | None) -> None:
        strip, field = self._with_strip()
        times = source.times or ()
        # One picture for all of it until those of each place are there: it can be trimmed sooner.
        pictures = source.strip or ((source.poster,) if source.poster is not None else ())
        is_lost = source.strip_problem is not None and not times
        strip.show_clip(times, pictures, NO_TRIM if is_lost else "" if times and pictures else READING)
        span = self._used(source, limits)
        strip.show_part(span.start_s, span.end_s, limits)
        field.show_part(strip.part, times, limits, is_held=strip.is_held)

    def _used(self, source: Source, limits: Limits | None) -> Trim:
        """What is used now: as planned, or as it would be where there is no plan."""
        from klingstudio.domain.fit import snap
        from klingstudio.domain.media import Trim

        if source.plan is not None:
            return Trim(start_s=source.plan.start_s, end_s=source.plan.end_s)
        whole_s = source.times[-1] if source.times else source.facts.duration_s if source.facts else 0.0
        wished = self._draft.trim or Trim(start_s=0.0, end_s=whole_s)
        return snap(wished, source.times, limits) if source.times and limits is not None else wished

    def _with_strip(self) -> tuple[TrimStrip, PartField]:
        if self._strip is None or self._part is None:
            # Not with the window: it comes with the first clip.
            from klingstudio.ui.source.part_field import PartField
            from klingstudio.ui.source.strip import TrimStrip

            self._strip, self._part = TrimStrip(self), PartField(self)
            self._column.insertWidget(0, self._strip)
            self._inside.insertWidget(self._inside.indexOf(self._plan), self._part)
            self._strip.dragged.connect(self._on_dragged)
            self._strip.chosen.connect(self._on_chosen)
            self._strip.looked_at.connect(self._on_looked_at)
            self._strip.rested.connect(self._on_rested)
            self._part.wanted.connect(self._use)
        return self._strip, self._part

    def _on_dragged(self, part: Trim | None) -> None:
        source, provider = self._draft.source, self._draft.provider
        if self._part is None or self._strip is None or source is None:
            return
        limits = provider.limits if provider else None
        self._part.show_part(self._strip.part, source.times or (), limits, is_held=part is not None)
        if part is None:
            self._show_steps(source.plan.steps if source.plan else ())
            self.preview_ended.emit()
        elif source.facts is not None and limits is not None:
            from klingstudio.ui.models import rules

            plan, _ = rules.fit(source.facts, limits, part, self._draft.framing)
            self._show_steps(plan.steps if plan else ())

    def _on_looked_at(self, time_s: float) -> None:
        self.previewed.emit(time_s, False)

    def _on_rested(self, time_s: float) -> None:
        self.previewed.emit(time_s, True)

    def _on_chosen(self, part: Trim, follows: bool) -> None:
        self._use(part, merge=_KEYS if follows else "")
        self.preview_ended.emit()

    def _use(self, part: Trim, *, merge: str = "") -> None:
        source = self._draft.source
        times = source.times if source is not None else None
        is_whole = times is not None and part.start_s <= 0 and part.end_s >= times[-1]
        self._draft.set_trim(None if is_whole else part, merge=merge)

    def use_whole(self) -> None:
        """Forget the trim: the whole clip, or as much of it as the provider takes."""
        self._draft.set_trim(None)

    # its shape

    def _show_framing(self, source: Source) -> None:
        cannot = source.problem is not None and source.problem.kind is Kind.SOURCE_UNFITTABLE
        # By its value: the names of the others come with the first clip that needs them.
        is_framed = source.plan is not None and source.plan.framing.value != "scale"
        if cannot or is_framed:
            self._with_framing().show_framing(source.plan.framing if source.plan else self._draft.framing)
        if self._framing is not None:
            self._framing.setVisible(cannot or is_framed)

    def _with_framing(self) -> FramingRow:
        if self._framing is None:
            from klingstudio.ui.source.framing_row import FramingRow

            self._framing = FramingRow(self)
            self._inside.insertWidget(self._inside.indexOf(self.fits), self._framing)
            self._framing.wanted.connect(self._frame)
        return self._framing

    def _frame(self, framing: Framing) -> None:
        self._draft.set_framing(framing)

    # what can be done with it

    def _help(self, words: str) -> None:
        match words:
            case text.Button.TRY_AGAIN:
                self._draft.read_source_again()
            case text.Button.USE_FIRST_PART:
                self.use_whole()
            case _:
                self.replace_wanted.emit()

    def menu(self) -> QMenu:
        """Everything that can be done with the clip; also on the menu key."""
        source, menu = self._draft.source, QMenu(self)
        if source is None:
            return menu
        marked = self.marked()
        is_readable = source.unreadable is None
        for words, does, can in (
            ("Replace…", self.replace_wanted.emit, True),
            ("Show in folder", self._show_in_folder, True),
            ("", _nothing, True),
            ("Write start and end…", self._write, is_readable and bool(source.times)),
            (text.Button.USE_FIRST_PART, self.use_whole, self._draft.trim is not None),
            ("Trim to the marks", self._use_marks, marked is not None and is_readable),
            ("", _nothing, True),
            ("Cancel fitting", self._draft.cancel_fit, True)
            if source.fitting is not None
            else ("Fit now", self._draft.fit, source.can_be_fitted),
            ("Remove\tDel", self._draft.remove_source, True),
        ):
            if not words:
                menu.addSeparator()
                continue
            action = QAction(words, menu)
            action.setEnabled(can)
            action.triggered.connect(does)
            menu.addAction(action)
        return menu

    def _show_in_folder(self) -> None:
        if self._draft.source is not None:
            self.folder_wanted.emit(str(self._draft.source.path))

    def _write(self) -> None:
        if self._part is not None:
            self._part.ask()

    def _use_marks(self) -> None:
        from klingstudio.domain.fit import snap

        source, provider, marked = self._draft.source, self._draft.provider, self.marked()
        if source is not None and source.times and provider is not None and marked is not None:
            self._use(snap(marked, source.times, provider.limits))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        where = event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            where = self.mapToGlobal(QPoint(theme.px(theme.INSIDE), self._name.geometry().bottom()))
        menu.popup(where)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Delete, Qt.Key.Key_Backspace} and not event.modifiers():
            self._draft.remove_source()
        else:
            super().keyPressEvent(event)

    # how it looks

    def _show_room(self) -> None:
        source = self._draft.source
        is_lost = source is None or source.unreadable is not None
        if self._strip is not None:
            # A file that cannot be read has no pictures, and an empty place for them would only look broken.
            self._strip.setVisible(not self._is_compact and not is_lost)
        if self._part is not None:
            self._part.setVisible(not is_lost)


def _nothing() -> None:
    return None

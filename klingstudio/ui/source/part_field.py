"""Start, end and length of the used part in figures; pressed, two fields to write them in."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QSizePolicy, QVBoxLayout, QWidget

from klingstudio.domain.media import Limits, Trim
from klingstudio.ui import theme
from klingstudio.ui.source.typed import Wrong, short_timecode, typed_part
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import announce, label, set_role
from klingstudio.ui.widgets.passing_field import PassingField


class PartField(QWidget):
    """`0:01.20 – 0:09.90 · 8.7 s`, and asks for another part."""

    wanted = Signal(object)
    """Trim: written and confirmed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._part = Trim(start_s=0.0, end_s=0.0)
        self._times: Sequence[float] = ()
        self._limits: Limits | None = None
        self._choices: tuple[str, ...] = ("",)
        """What it says, and what where there is less and less room."""
        self._button = Button("", self, kind="part")
        self._button.setObjectName("part")
        self._button.setFont(theme.tabular(self._button.font()))
        self._button.setCursor(Qt.CursorShape.IBeamCursor)
        self._button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._button.setToolTip("Write the start and the end")
        self._button.clicked.connect(self.ask)
        self.start = _field("In", self)
        self.end = _field("Out", self)
        self._wrong = label(role="bad", wraps=True)
        self._fields = QWidget(self)
        row = QHBoxLayout(self._fields)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(6))
        row.addWidget(self.start, stretch=1)
        row.addWidget(label("–", "secondary"))
        row.addWidget(self.end, stretch=1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.GAP))
        column.addWidget(self._button)
        column.addWidget(self._fields)
        column.addWidget(self._wrong)
        for field in (self.start, self.end):
            field.returnPressed.connect(self._on_return)
            field.given_up.connect(self._give_up)
            field.left.connect(self._on_left)
            field.textEdited.connect(self._forgive)
        self._fields.hide()
        self._wrong.hide()

    @property
    def words(self) -> str:
        """What it says."""
        return self._button.text()

    @property
    def wrong(self) -> str:
        """Why what was written cannot be used; empty where it can, or nothing is written."""
        return "" if self._wrong.isHidden() else self._wrong.text()

    @property
    def is_asking(self) -> bool:
        return not self._fields.isHidden()

    def show_part(self, part: Trim, times: Sequence[float], limits: Limits | None, *, is_held: bool = False) -> None:
        """What is used now. `is_held`: it is being dragged, and how much there can be is good to know."""
        self._part, self._times, self._limits = part, times, limits
        ends = f"{short_timecode(part.start_s)} – {short_timecode(part.end_s)}"
        length = f"{part.end_s - part.start_s:.1f} s"
        if is_held and limits is not None:
            length += f" of {limits.clip_max_s:g} s"
        self._choices = (f"{ends} · {length}", ends, length)
        self._button.setAccessibleName(f"Part used: {self._choices[0]}")
        self._show_words()
        self._button.setEnabled(limits is not None and len(times) > 1)
        if not self._button.isEnabled():
            self._close()

    def _show_words(self) -> None:
        """As much of it as there is room for."""
        fits = (words for words in self._choices if self._button.fontMetrics().horizontalAdvance(words) <= self.width())
        self._button.setText(next(fits, self._choices[-1]))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_words()

    def ask(self) -> None:
        """Let the person write the two moments."""
        self.start.setText(short_timecode(self._part.start_s))
        self.end.setText(short_timecode(self._part.end_s))
        self._forgive()
        self._button.hide()
        self._fields.show()
        self.start.selectAll()
        self.start.setFocus(Qt.FocusReason.OtherFocusReason)

    def _written(self) -> Trim | Wrong | None:
        """The part that stands in the fields; None where there are no limits to read it by."""
        if self._limits is None:
            return None
        return typed_part(
            self._unless_left(self.start, self._part.start_s),
            self._unless_left(self.end, self._part.end_s),
            self._part,
            self._times,
            self._limits,
        )

    def _on_return(self) -> None:
        made = self._written()
        if made is None:
            return
        if isinstance(made, Wrong):
            field = self.start if made.is_start else self.end
            self._wrong.setText(made.words)
            self._wrong.show()
            set_role(field, "wrong", "true")
            field.setAccessibleDescription(made.words)
            field.setFocus(Qt.FocusReason.OtherFocusReason)
            field.selectAll()
            announce(field, made.words)
            return
        self._give_up()
        if made != self._part:
            self.wanted.emit(made)

    @staticmethod
    def _unless_left(field: QLineEdit, now_s: float) -> str:
        """What was written; the exact time where nothing was, since a hundredth is coarser than some frames."""
        return field.text() if field.text() != short_timecode(now_s) else f"{now_s:.6f}"

    def _forgive(self) -> None:
        self._wrong.hide()
        for field in (self.start, self.end):
            set_role(field, "wrong", "")
            field.setAccessibleDescription("")

    def _give_up(self) -> None:
        had_focus = self._fields.isAncestorOf(QApplication.focusWidget() or self)
        self._close()
        if had_focus:
            self._button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_left(self) -> None:
        focus = QApplication.focusWidget()
        if not self.is_asking or (focus is not None and self._fields.isAncestorOf(focus)):
            return
        made = self._written()
        self._close()
        # As with a name: going on takes what was written, where it makes sense. Esc does not.
        if isinstance(made, Trim) and made != self._part:
            self.wanted.emit(made)

    def _close(self) -> None:
        if self.is_asking:
            self._fields.hide()
            self._button.show()
            self._forgive()


def _field(name: str, parent: QWidget) -> PassingField:
    field = PassingField(parent)
    field.setObjectName(f"part{name}")
    field.setProperty("kind", "small")
    field.setAccessibleName(name)
    field.setToolTip(f"{name}: a time such as 0:01.20 or 3.5, a frame such as 80f, or from here: +10, -1s")
    return field

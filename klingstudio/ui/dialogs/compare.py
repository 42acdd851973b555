"""The services side by side for the clip that is there: what each costs, takes away, keeps and promises."""

from __future__ import annotations

import itertools

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from klingstudio.engine.compare import Offer
from klingstudio.ui import text, theme
from klingstudio.ui.dialogs.offer_words import ROWS, Cell, OfferWords, offer_words
from klingstudio.ui.models.compare import CompareModel, Stage
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.widgets.empty import EmptyState
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.widgets.icons import Button, IconButton
from klingstudio.ui.widgets.labels import ElidedLabel, announce, label, plain_tip, rule, set_role
from klingstudio.ui.widgets.notice import Notice
from klingstudio.ui.widgets.progress import ProgressLine

USE, IN_USE = "Use this", "In use"


class CellView(QWidget):
    """One answer."""

    def __init__(self, is_price: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._usual = "price" if is_price else "small"
        self._first = label(role=self._usual, wraps=True)
        self._more = label(role="faint", wraps=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(2))
        column.addWidget(self._first)
        column.addWidget(self._more)
        column.addStretch()

    def show_cell(self, cell: Cell) -> None:
        set_role(self._first, "role", cell.tone or self._usual)
        self._first.setText(cell.words)
        self._more.setText(cell.more)
        self._more.setVisible(bool(cell.more))

    @property
    def words(self) -> str:
        return self._first.text()

    @property
    def more(self) -> str:
        return self._more.text()


class Column:
    """The controls of one provider; the table decides where they stand."""

    def __init__(self, provider_id: str, parent: QWidget) -> None:
        self.provider_id = provider_id
        self.title = label(role="strong", parent=parent)
        self.names = [label(name, "secondary", parent=parent) for name in ROWS]
        self.cells = [CellView(name == ROWS[0], parent) for name in ROWS]
        self.button = Button(USE, parent, kind="small")
        self.reason = label(role="warning", wraps=True, parent=parent)

    def widgets(self) -> list[QWidget]:
        return [self.title, *self.names, *self.cells, self.button, self.reason]

    def show_words(self, words: OfferWords, *, is_chosen: bool) -> None:
        """What the provider would make of the clip."""
        self.title.setText(words.title)
        for view, cell in zip(self.cells, words.cells, strict=True):
            view.show_cell(cell)
        self.reason.setText(words.reason)
        self.button.setText(IN_USE if is_chosen else USE)
        self.button.setEnabled(not words.reason)
        self.button.setToolTip(plain_tip(words.reason))
        self.button.setAccessibleName(f"{words.title} is in use" if is_chosen else f"Use {words.title}")
        # Labels cannot be reached by keyboard: who hears the window hears the whole column here.
        said = [f"{name}: {cell.words}. {cell.more}" for name, cell in zip(ROWS, words.cells, strict=True)]
        self.button.setAccessibleDescription(" ".join(part for part in (words.reason, *said) if part))


class CompareDialog(QDialog):
    """Stands beside the window and follows the draft while it is open."""

    used = Signal(str)
    """Provider id."""

    def __init__(self, compare: CompareModel, draft: DraftModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._compare, self._draft = compare, draft
        self._columns: list[Column] = []
        self._rules: list[QFrame] = []
        self._is_wide: bool | None = None
        self.setObjectName("compare")
        self.setWindowTitle("Compare providers")
        self.setModal(False)
        self._about = ElidedLabel(role="secondary", parent=self)
        self.refresh = IconButton("refresh-cw", "Ask again", self, token="secondary")
        self.refresh.clicked.connect(compare.refresh)
        self._busy = ProgressLine("Asking the providers", self)
        self.notice = Notice(self)
        self.notice.acted.connect(lambda _: compare.refresh())
        self.empty = EmptyState("clapperboard", ("Add a video first", "Prices and limits depend on the clip"), self)
        self._table = QWidget(self)
        self._table.setProperty("clear", "true")
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(*(theme.px(n) for n in (20, 4, 20, 16)))
        self._grid.setHorizontalSpacing(theme.px(theme.AROUND))
        self._grid.setVerticalSpacing(theme.px(theme.BETWEEN))
        self._names = [label(name, "secondary", parent=self._table) for name in ROWS]
        self._scroll = QScrollArea(self)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(self._table)
        self._close = Button("Done", self)
        self._close.clicked.connect(self.close)
        self._arrange_outside()
        self.resize(*(theme.px(n) for n in theme.COMPARE_SIZE))
        FocusRing(self)
        compare.changed.connect(self._refresh)
        draft.providers_changed.connect(self._refresh)
        self._refresh()

    def _arrange_outside(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(*(theme.px(n) for n in (20, 12, 16, 6)))
        head.addWidget(self._about, stretch=1)
        head.addWidget(self.refresh)
        inside = QVBoxLayout()
        inside.setContentsMargins(*(theme.px(n) for n in (20, 0, 20, 0)))
        inside.addWidget(self._busy)
        inside.addWidget(self.notice)
        foot = QHBoxLayout()
        foot.setContentsMargins(*(theme.px(n) for n in (20, 12, 20, 16)))
        foot.addStretch()
        foot.addWidget(self._close)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.setSpacing(0)
        outside.addLayout(head)
        outside.addLayout(inside)
        outside.addWidget(self.empty, stretch=1)
        outside.addWidget(self._scroll, stretch=1)
        outside.addLayout(foot)

    @property
    def columns(self) -> tuple[Column, ...]:
        """One per service, in their order."""
        return tuple(self._columns)

    @property
    def is_wide(self) -> bool:
        """True while the services stand side by side."""
        return bool(self._is_wide)

    # life

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._compare.watch()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._compare.rest()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._arrange()

    # showing

    def _refresh(self) -> None:
        stage, offers = self._compare.stage, self._compare.offers
        self._about.setText(self._clip_words())
        self._busy.setVisible(stage is Stage.ASKING)
        self.refresh.setEnabled(stage is not Stage.EMPTY)
        self.empty.setVisible(stage is Stage.EMPTY)
        self._scroll.setVisible(stage is not Stage.EMPTY)
        problem = self._compare.problem
        if problem is not None:
            sentence = text.sentence(problem)
            self.notice.say(sentence.title, sentence.hint, (text.Button.TRY_AGAIN,), details=text.one_line(problem))
        else:
            self.notice.clear()
        self._show(offers)
        if stage is Stage.READY:
            announce(self, f"{len(offers)} providers compared")

    def _clip_words(self) -> str:
        source, tier, takes = self._draft.source, self._draft.tier, self._draft.takes
        if source is None or tier is None:
            return ""
        length = f"{source.facts.duration_s:.1f} s" if source.facts else ""
        count = "1 take" if takes == 1 else f"{takes} takes"
        return " · ".join(part for part in (source.path.name, length, tier.value.capitalize(), count) if part)

    def _show(self, offers: tuple[Offer, ...]) -> None:
        ids = [offer.info.id for offer in offers]
        if ids != [column.provider_id for column in self._columns]:
            self._rebuild(ids)
        chosen = self._draft.provider.id if self._draft.provider else ""
        for column, offer in zip(self._columns, offers, strict=True):
            column.show_words(offer_words(offer), is_chosen=offer.info.id == chosen)
        self._place_reasons()

    def _rebuild(self, ids: list[str]) -> None:
        for column in self._columns:
            for widget in column.widgets():
                widget.hide()
                widget.deleteLater()
        self._columns = [Column(provider_id, self._table) for provider_id in ids]
        for column in self._columns:
            column.button.clicked.connect(lambda _=False, id_=column.provider_id: self._use(id_))
        # They were made after the button below them.
        order = [self.refresh, *(column.button for column in self._columns), self._close]
        for before, after in itertools.pairwise(order):
            self.setTabOrder(before, after)
        self._is_wide = None
        self._arrange()

    def _use(self, provider_id: str) -> None:
        self.used.emit(provider_id)
        self.close()

    # places

    def _arrange(self) -> None:
        """Side by side where each has room for a sentence, else below each other."""
        count = len(self._columns)
        needed = theme.COMPARE_LABEL + count * (theme.COMPARE_COLUMN + theme.AROUND) + 40
        is_wide = self.width() >= theme.px(needed)
        if is_wide is self._is_wide:
            return
        self._is_wide = is_wide
        self._clear_grid()
        for name in self._names:
            name.setVisible(is_wide and bool(count))
        for column in self._columns:
            for name in column.names:
                name.setVisible(not is_wide)
            for widget in (column.title, *column.cells, column.button):
                widget.show()
        if not count:
            # Lines between nothing would only look broken.
            return
        if is_wide:
            self._place_side_by_side()
        else:
            self._place_below_each_other()
        self._place_reasons()

    def _clear_grid(self) -> None:
        while self._grid.takeAt(0) is not None:
            pass
        for line in self._rules:
            line.deleteLater()
        self._rules.clear()
        for at in range(self._grid.columnCount()):
            self._grid.setColumnStretch(at, 0)
            self._grid.setColumnMinimumWidth(at, 0)
        for at in range(self._grid.rowCount()):
            self._grid.setRowStretch(at, 0)

    def _place_side_by_side(self) -> None:
        top = Qt.AlignmentFlag.AlignTop
        across = len(self._columns) + 1
        self._grid.setColumnMinimumWidth(0, theme.px(theme.COMPARE_LABEL))
        for at, column in enumerate(self._columns, 1):
            self._grid.setColumnStretch(at, 1)
            self._grid.addWidget(column.title, 0, at, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            self._grid.addWidget(column.button, 0, at, Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(column.reason, 1, at, top)
            for row, cell in enumerate(column.cells):
                self._grid.addWidget(cell, 2 * row + 3, at, top)
        for row, name in enumerate(self._names):
            self._add_rule(2 * row + 2, across)
            self._grid.addWidget(name, 2 * row + 3, 0, top)
        self._grid.setRowStretch(2 * len(ROWS) + 2, 1)

    def _place_below_each_other(self) -> None:
        top = Qt.AlignmentFlag.AlignTop
        self._grid.setColumnMinimumWidth(0, theme.px(theme.COMPARE_LABEL))
        self._grid.setColumnStretch(1, 1)
        row = 0
        for number, column in enumerate(self._columns):
            if number:
                self._add_rule(row, 2)
                row += 1
            self._grid.addWidget(column.title, row, 0, 1, 2, Qt.AlignmentFlag.AlignLeft)
            self._grid.addWidget(column.button, row, 1, Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(column.reason, row + 1, 0, 1, 2)
            row += 2
            for name, cell in zip(column.names, column.cells, strict=True):
                self._grid.addWidget(name, row, 0, top)
                self._grid.addWidget(cell, row, 1, top)
                row += 1
        self._grid.setRowStretch(row, 1)

    def _place_reasons(self) -> None:
        for column in self._columns:
            column.reason.setVisible(bool(column.reason.text()))

    def _add_rule(self, row: int, across: int) -> None:
        line = rule("across", self._table)
        self._grid.addWidget(line, row, 0, 1, across)
        line.show()
        self._rules.append(line)

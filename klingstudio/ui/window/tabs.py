"""The drafts as tabs, and the button for a new one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QKeySequence, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QStyleOptionTab,
    QTabBar,
    QWidget,
)

from klingstudio.ui import theme
from klingstudio.ui.models.drafts import DraftsModel
from klingstudio.ui.widgets.icons import IconButton
from klingstudio.ui.widgets.labels import plain_tip

TAB_KEYS = [
    ("Draft to the left or right", "←  →"),
    ("Rename the draft", "F2"),
    ("Close the draft", "Ctrl+W  or  middle click"),
    ("Move the draft", "Ctrl+Shift+PgUp  Ctrl+Shift+PgDown"),
]


class Tabs(QFrame):
    """Shows what `DraftsModel` holds, and tells it what the person wants."""

    editing_changed = Signal()
    """A name is being typed, or no longer."""

    def __init__(self, drafts: DraftsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drafts = drafts
        self._editor: NameField | None = None
        self._named = ""
        """Id of the draft whose name is being typed."""
        self.setProperty("kind", "segment")
        self.bar = TabBar(self)
        self.add = IconButton("plus", f"New draft ({_key('Ctrl+N')})", self)
        self.add.setObjectName("newDraft")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.bar)
        row.addWidget(self.add)
        self.add.clicked.connect(drafts.new)
        self.bar.chosen.connect(drafts.select)
        self.bar.close_wanted.connect(drafts.close)
        self.bar.rename_wanted.connect(self.rename)
        self.bar.moved.connect(drafts.move)
        self.bar.menu_wanted.connect(self._open_menu)
        drafts.changed.connect(self._show)
        self._show()

    @property
    def is_editing(self) -> bool:
        return self._editor is not None

    def rename(self, draft_id: str) -> None:
        """Let the person type a name, in the tab's own place."""
        if self._editor is not None or draft_id not in self._drafts.ids:
            return
        before: QWidget | None = self.window().focusWidget()
        self._editor = field = NameField(self._drafts.title(draft_id), self.bar)
        self._named = draft_id
        self.editing_changed.emit()

        def done(name: str | None) -> None:
            self._editor = None
            field.hide()
            field.deleteLater()
            if name is not None and draft_id in self._drafts.ids and name.strip() != self._drafts.title(draft_id):
                self._drafts.rename(draft_id, name)
            if before is not None and before.isVisible() and self.window().focusWidget() in (field, None):
                before.setFocus(Qt.FocusReason.OtherFocusReason)
            self.editing_changed.emit()

        field.done.connect(done)
        self.bar.show_editor(field, draft_id)

    def _show(self) -> None:
        titles = {draft_id: self._drafts.title(draft_id) for draft_id in self._drafts.ids}
        if self._editor is not None and self._named not in titles:
            self._editor.finish(None)
        self.bar.show_drafts(titles, self._drafts.current)

    def _open_menu(self, draft_id: str, at: QPoint) -> None:
        drafts = self._drafts
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def line(words: str, key: str, *, enabled: bool = True) -> QAction:
            action = menu.addAction(words)
            action.setShortcut(QKeySequence(key))
            # Only shown: the window's own line does it where the key is pressed.
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.setEnabled(enabled)
            return action

        line("Rename…", "F2").triggered.connect(lambda: self.rename(draft_id))
        line("Duplicate", "").triggered.connect(lambda: drafts.duplicate(draft_id))
        menu.addSeparator()
        line("Close", "Ctrl+W").triggered.connect(lambda: drafts.close(draft_id))
        others = line("Close others", "", enabled=len(drafts.ids) > 1)
        others.triggered.connect(lambda: drafts.close_others(draft_id))
        reopen = line("Reopen closed draft", "Ctrl+Shift+T", enabled=drafts.can_reopen)
        reopen.triggered.connect(lambda: drafts.reopen(1))
        menu.popup(at)


class TabBar(QTabBar):
    """Qt's tabs, by id: with a cross on the one in front and on the one below the pointer."""

    chosen = Signal(str)
    close_wanted = Signal(str)
    rename_wanted = Signal(str)
    moved = Signal(str, int)
    menu_wanted = Signal(str, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._below = -1
        self._is_dragged = False
        self._editor: tuple[QLineEdit, str] | None = None
        # Two for all tabs: a place kept free on each would leave too little for their words.
        self._crosses = self._cross(), self._cross()
        self.setObjectName("drafts")
        self.setAccessibleName("Drafts")
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setMovable(True)
        self.setUsesScrollButtons(True)
        self.setElideMode(Qt.TextElideMode.ElideRight)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.currentChanged.connect(self._on_current)
        self.tabMoved.connect(self._on_moved)

    def show_drafts(self, titles: dict[str, str], current: str) -> None:
        """Show these tabs in this order."""
        was_blocked = self.blockSignals(True)
        for index in reversed(range(self.count())):
            if self.id_at(index) not in titles:
                self.removeTab(index)
        for index, (draft_id, title) in enumerate(titles.items()):
            at = self.index_of(draft_id)
            if at < 0:
                self.insertTab(index, "")
                self.setTabData(index, draft_id)
            elif at != index:
                self.moveTab(at, index)
            if self.accessibleTabName(index) != title:
                self.setAccessibleTabName(index, title)
                self.setTabToolTip(index, plain_tip(title))
                self.setTabText(index, title.replace("&", "&&"))
        self.setCurrentIndex(self.index_of(current))
        self.blockSignals(was_blocked)
        self._place()

    def show_editor(self, field: QLineEdit, draft_id: str) -> None:
        """Lay the field over the tab."""
        self._editor = field, draft_id
        field.destroyed.connect(self._forget_editor)
        self._place()
        field.show()
        field.setFocus(Qt.FocusReason.OtherFocusReason)
        field.selectAll()

    def _forget_editor(self) -> None:
        self._editor = None

    def id_at(self, index: int) -> str:
        """Empty where there is no tab."""
        return str(self.tabData(index) or "")

    def index_of(self, draft_id: str) -> int:
        return next((index for index in range(self.count()) if self.id_at(index) == draft_id), -1)

    def _cross(self) -> IconButton:
        cross = IconButton("x", f"Close ({_key('Ctrl+W')})", self, token="secondary")
        cross.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        cross.setProperty("on", "line")
        cross.setIconSize(QSize(theme.px(theme.INSIDE), theme.px(theme.INSIDE)))
        cross.setFixedSize(theme.px(theme.MORE_HEIGHT), theme.px(theme.MORE_HEIGHT))
        cross.clicked.connect(lambda: self._close_at(cross.geometry().center()))
        cross.hide()
        return cross

    def _close_at(self, at: QPoint) -> None:
        if draft_id := self.id_at(self.tabAt(at)):
            self.close_wanted.emit(draft_id)

    def _with_cross(self) -> tuple[int, int]:
        """The tab in front and the one below the pointer; -1 for none."""
        if self._is_dragged:
            return -1, -1
        return self.currentIndex(), self._below if self._below != self.currentIndex() else -1

    def _place(self) -> None:
        """Put what lies over the tabs where they are now."""
        for index, cross in zip(self._with_cross(), self._crosses, strict=True):
            area = self.tabRect(index)
            cross.setVisible(index >= 0)
            inset = (area.height() - cross.height()) // 2
            cross.move(area.right() - cross.width() - inset, area.top() + inset)
        self.setProperty("ringArea", self.tabRect(self.currentIndex()).intersected(self.rect()))
        if self._editor is not None:
            field, draft_id = self._editor
            field.setGeometry(self.tabRect(self.index_of(draft_id)).intersected(self.rect()))
            field.raise_()
        self.update()

    def _on_current(self, index: int) -> None:
        self.chosen.emit(self.id_at(index))
        self._place()

    def _on_moved(self, before: int, after: int) -> None:
        self.moved.emit(self.id_at(after), after - before)

    # how it looks

    def tabSizeHint(self, index: int) -> QSize:
        least, most = theme.px(theme.TAB_LEAST), theme.px(theme.TAB_MOST)
        words = self.fontMetrics().horizontalAdvance(self.accessibleTabName(index))
        # A grid step more than the words: their width is rounded, and a name that fits must not end in dots.
        around = 3 * theme.px(theme.BETWEEN) + theme.px(theme.MORE_HEIGHT) + theme.px(theme.GAP)
        return QSize(min(max(words + around, least), most), theme.px(theme.TAB_HEIGHT))

    def minimumTabSizeHint(self, _index: int) -> QSize:
        return QSize(theme.px(theme.TAB_LEAST), theme.px(theme.TAB_HEIGHT))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.px(theme.TAB_LEAST), theme.px(theme.TAB_HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def tabLayoutChange(self) -> None:
        super().tabLayoutChange()
        if not self.underMouse():
            self._below = -1
        self._place()

    def initStyleOption(self, option: QStyleOptionTab, index: int) -> None:
        super().initStyleOption(option, index)
        if index in self._with_cross():
            cross = self._crosses[0].size()
            room = self.tabRect(index).width() - 3 * theme.px(theme.BETWEEN) - cross.width()
            option.rightButtonSize = cross
            option.text = self.fontMetrics().elidedText(
                self.tabText(index), self.elideMode(), room, Qt.TextFlag.TextShowMnemonic.value
            )

    # pointer and keys

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._is_dragged = bool(event.buttons() & Qt.MouseButton.LeftButton)
        self._point_at(self.tabAt(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._point_at(-1)

    def _point_at(self, index: int) -> None:
        self._below = index
        self._place()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.MiddleButton:
            super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.MiddleButton:
            self._close_at(event.position().toPoint())
        else:
            super().mouseReleaseEvent(event)
        self._is_dragged = False
        self._point_at(self.tabAt(event.position().toPoint()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.tabAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.rename_wanted.emit(self.id_at(index))

    def wheelEvent(self, event: QWheelEvent) -> None:
        # A turn of the wheel must not put another draft on the screen.
        event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.close_wanted.emit(self.id_at(self.currentIndex()))
        elif event.key() == Qt.Key.Key_F2:
            self.rename_wanted.emit(self.id_at(self.currentIndex()))
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.tabAt(event.pos())
        if index >= 0:
            at = self.mapToGlobal(self.tabRect(index).bottomLeft()) if by_key else event.globalPos()
            self.menu_wanted.emit(self.id_at(index), at)


class NameField(QLineEdit):
    """Lies over a tab. Enter or going elsewhere takes the name, Escape leaves the old one."""

    done = Signal(object)
    """The name; None where it stays."""

    def __init__(self, name: str, parent: QWidget) -> None:
        super().__init__(name, parent)
        self._is_done = False
        self.setObjectName("draftName")
        self.setAccessibleName("Name of the draft")
        self.setProperty("kind", "tab")
        self.setMaxLength(80)
        self.editingFinished.connect(lambda: self.finish(self.text()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.finish(None)
        else:
            super().keyPressEvent(event)

    def finish(self, name: str | None) -> None:
        """Take this name; None: leave the old one."""
        if not self._is_done:
            self._is_done = True
            self.done.emit(name)


def _key(sequence: str) -> str:
    return QKeySequence(sequence).toString(QKeySequence.SequenceFormat.NativeText)

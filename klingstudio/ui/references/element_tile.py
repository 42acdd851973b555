"""The tile of an element: its pictures, its name, what is wrong with it, and how it stands to the library."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from klingstudio.ui import theme
from klingstudio.ui.references.element_name import ElementName
from klingstudio.ui.references.element_slot import SlotView
from klingstudio.ui.references.element_words import WHOLE
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.held import ReferenceTile
from klingstudio.ui.widgets.icons import Button
from klingstudio.ui.widgets.labels import ElidedLabel, label, plain_tip, set_role


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFace:
    """One picture of an element as its slot shows it."""

    name: str
    """Of the file; empty where there is none."""
    picture: QPixmap | None
    remark: str
    tone: str = ""
    """`bad` or `warning` where something is wrong with it."""
    fixes: tuple[str, ...] = ()
    """Labels of what helps without a further question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """An element as its tile shows it."""

    number: int
    name: str
    parts: str
    """`front + 2 angles`."""
    slots: tuple[SlotFace, ...]
    """The front, the angles, and the next free place where there is one."""
    remark: str = ""
    """What is wrong with it."""
    tone: str = ""
    fixes: tuple[str, ...] = ()
    """Labels of what helps, the best one first."""
    fixes_at: int = WHOLE
    """The picture that they are about."""
    note: str = ""
    """How it stands to the library, where that is worth a word."""
    save: str = ""
    """Label of what would bring the library up to date; empty where there is nothing to save."""
    is_first: bool = False
    is_last: bool = False


class ElementTile(ReferenceTile):
    """Click or Enter puts it into the prompt, F2 renames, Alt+↑ ↓ moves, Del or the cross removes it."""

    renamed = Signal(str)
    file_wanted = Signal(int)
    """Choose a file for this place of the element."""
    emptied = Signal(int)
    front_wanted = Signal(int)
    """Make this angle the front."""
    crop_wanted = Signal(int)
    save_wanted = Signal()
    fix_wanted = Signal(int, str)
    """Do what helps: the place of the picture, or `WHOLE`, and the words of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, steps={Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}, cross="secondary", on="raised")
        self._face = Face(number=0, name="", parts="", slots=())
        self.setObjectName("elementTile")
        self.menu_wanted.connect(lambda at: self._open(self.menu(), at))
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.name = ElementName(self)
        self.name.clicked.connect(self.click)
        self.name.renamed.connect(self.renamed)
        self.name.drag_wanted.connect(self.drag_wanted)
        self.name.left.connect(self.setFocus)
        self._parts = ElidedLabel(role="secondary", parent=self)
        self.name.opened.connect(self._parts.setHidden)
        self._remark = label(role="bad", wraps=True, parent=self)
        self._note = label(role="secondary", parent=self)
        self.fix, self.other_fix = Button("", self, kind="link"), Button("", self, kind="link")
        for button in (self.fix, self.other_fix):
            button.clicked.connect(lambda _=False, by=button: self.fix_wanted.emit(self._face.fixes_at, by.text()))
        self.save = Button("", self, kind="link")
        self.save.clicked.connect(self.save_wanted)
        self._slots: list[SlotView] = []
        self._build()

    def _build(self) -> None:
        gap = theme.px(6)
        self._front = self._new_slot()
        line = QHBoxLayout()
        line.setSpacing(gap)
        # The name goes away while a drop is offered; nothing below may jump then.
        line.addStrut(self.name.sizeHint().height())
        line.addWidget(self.name)
        line.addWidget(self._parts, stretch=1)
        self._angles = QHBoxLayout()
        self._angles.setSpacing(gap)
        self._angles.addStretch()
        side = QVBoxLayout()
        side.setSpacing(theme.px(2))
        side.addLayout(line)
        side.addLayout(self._angles)
        side.addStretch()
        top = QHBoxLayout()
        top.setSpacing(gap)
        top.addWidget(self._front, alignment=Qt.AlignmentFlag.AlignTop)
        top.addLayout(side, stretch=1)
        self._foot = QWidget(self)
        row = FlowLayout(self._foot, gap=gap)
        row.addWidget(self._note)
        row.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(theme.BETWEEN),) * 4)
        column.setSpacing(theme.px(theme.GAP))
        column.addLayout(top)
        self._said = QWidget(self)
        said = QHBoxLayout(self._said)
        said.setContentsMargins(0, 0, 0, 0)
        said.setSpacing(gap)
        said.addWidget(self._remark, stretch=1)
        said.addWidget(self.fix, alignment=Qt.AlignmentFlag.AlignTop)
        said.addWidget(self.other_fix, alignment=Qt.AlignmentFlag.AlignTop)
        column.addWidget(self._said)
        column.addWidget(self._foot)

    @property
    def number(self) -> int:
        return self._face.number

    @property
    def problem(self) -> str:
        """What it says is wrong; empty where all is well."""
        return self._face.remark

    @property
    def slots(self) -> tuple[SlotView, ...]:
        """The front, the angles, and the dashed place for the next one where there is room."""
        return tuple(self._slots[: len(self._face.slots)])

    @property
    def words(self) -> str:
        """What stands beside the name: its parts, or what a drop would do."""
        return self._parts.text()

    def show_face(self, face: Face) -> None:
        """What the tile stands for."""
        if face == self._face:
            return
        self._face = face
        self.setText(face.name)
        self.setAccessibleName(f"Element {face.number}, {face.name}, {face.parts}")
        self.setAccessibleDescription(face.remark or "Press Enter to insert it into the prompt")
        hint = f"Click to insert @Element{face.number} into the prompt\nF2 renames it"
        self.setToolTip(plain_tip(f"{face.name}\n{face.remark or hint}"))
        self.name.show_name(face.name)
        self._parts.setText(face.parts)
        self._cross.setAccessibleName(f"Remove element {face.number}")
        self._cross.setToolTip(f"Remove element {face.number} (Del)")
        self._show_slots(face)
        set_role(self._remark, "role", face.tone or "secondary")
        self._remark.setText(face.remark)
        self._said.setVisible(bool(face.remark))
        for button, words in zip((self.fix, self.other_fix), (*face.fixes, "", ""), strict=False):
            button.setText(words)
            button.setAccessibleName(f"{words} {face.name}")
            button.setVisible(bool(words))
        self._note.setText(face.note)
        self._note.setVisible(bool(face.note))
        self.save.setText(face.save)
        self.save.setVisible(bool(face.note and face.save))
        self._foot.setVisible(bool(face.note))
        self.updateGeometry()
        self.update()

    def _show_slots(self, face: Face) -> None:
        while len(self._slots) < len(face.slots):
            self._angles.insertWidget(self._angles.count() - 1, self._new_slot())
        for view, shown in zip(self._slots, face.slots, strict=False):
            view.setVisible(True)
            number = face.number if view.index == 0 else 0
            view.show_slot(shown.name, shown.picture, shown.remark, tone=shown.tone, number=number)
            what = "Front picture" if view.index == 0 else f"Angle {view.index}"
            filled = f"{what} of {face.name}, {shown.name}"
            empty = f"Add an angle to {face.name}" if view.index else f"Choose the front picture of {face.name}"
            view.setAccessibleName(filled if shown.name else empty)
        for view in self._slots[len(face.slots) :]:
            if view.hasFocus():
                self._slots[max(0, len(face.slots) - 1)].setFocus(Qt.FocusReason.OtherFocusReason)
            view.hide()

    def _new_slot(self) -> SlotView:
        index = len(self._slots)
        view = SlotView(index, self)
        view.clicked.connect(lambda _=False: self._use_slot(view))
        view.removed.connect(lambda: self.emptied.emit(index))
        view.menu_wanted.connect(lambda at: self._open(self.slot_menu(index), at))
        view.drag_wanted.connect(self.drag_wanted)
        self._slots.append(view)
        return view

    def _use_slot(self, view: SlotView) -> None:
        # The front is the face of the tile: what is there already is used, not replaced by a slip of the hand.
        if view.index == 0 and view.is_filled:
            self.click()
        else:
            self.file_wanted.emit(view.index)

    # a picture is held over it

    def light(self, index: int | None, words: str, *, refuses: bool = False) -> None:
        """Say beside the name what a drop on this place does; None: it is not over any."""
        for view in self._slots:
            view.light(is_on=view.index == index, refuses=refuses)
        is_on = index is not None
        # Before the parts come back, or the room of the name would stay taken.
        self.name.setVisible(not is_on)
        set_role(self._parts, "role", "secondary" if not is_on else "bad" if refuses else "strong")
        self._parts.setText(words if is_on else self._face.parts)

    # keys and menus

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2:
            self.name.edit()
        else:
            super().keyPressEvent(event)

    def menu(self) -> QMenu:
        """What can be done with the element; also on the menu key."""
        face, menu = self._face, QMenu(self)
        _line(menu, f"Insert @Element{face.number}\tEnter", self.click)
        _line(menu, "Rename\tF2", self.name.edit)
        if face.save:
            _line(menu, face.save, self.save_wanted.emit)
        menu.addSeparator()
        _line(menu, "Move up\tAlt+↑", lambda: self.moved.emit(-1), is_on=not face.is_first)
        _line(menu, "Move down\tAlt+↓", lambda: self.moved.emit(1), is_on=not face.is_last)
        menu.addSeparator()
        _line(menu, "Remove\tDel", self.removed.emit)
        return menu

    def slot_menu(self, index: int) -> QMenu:
        """What can be done with one picture of it."""
        menu = QMenu(self)
        if not self._slots[index].is_filled:
            _line(menu, "Choose a picture…", lambda: self.file_wanted.emit(index))
            return menu
        if index == 0:
            _line(menu, f"Insert @Element{self._face.number}\tEnter", self.click)
        _line(menu, "Replace…", lambda: self.file_wanted.emit(index))
        if index:
            _line(menu, "Make it the front", lambda: self.front_wanted.emit(index))
        _line(menu, "Crop and rotate…", lambda: self.crop_wanted.emit(index))
        for words in self._face.slots[index].fixes:
            _line(menu, words, lambda _=False, words=words: self.fix_wanted.emit(index, words))
        menu.addSeparator()
        _line(menu, "Remove\tDel", lambda: self.emptied.emit(index))
        return menu

    @staticmethod
    def _open(menu: QMenu, at: QPoint) -> None:
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def paintEvent(self, _event: QPaintEvent) -> None:
        t = theme.tokens(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area, round_px = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), theme.px(theme.RADIUS)
        is_over = self.underMouse()
        painter.setBrush(QColor(theme.mix(t.raised, t.text, 0.02 if self.isDown() else 0.06 if is_over else 0)))
        edge = t.element if self.is_lit else getattr(t, self._face.tone) if self._face.tone in _EDGED else ""
        painter.setPen(QPen(QColor(edge), 2 if self.is_lit else 1) if edge else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(area, round_px, round_px)
        painter.end()


_EDGED = frozenset({"bad", "warning"})


def _line(menu: QMenu, words: str, does: object, *, is_on: bool = True) -> None:
    action = QAction(words, menu)
    action.setEnabled(is_on)
    action.triggered.connect(does)
    menu.addAction(action)

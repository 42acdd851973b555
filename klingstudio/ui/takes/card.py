"""One job as a card."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QEnterEvent, QKeyEvent, QMouseEvent, QPixmap
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLineEdit, QMenu, QVBoxLayout, QWidget

from klingstudio.domain.job import UNSENT, State
from klingstudio.ui import text, theme
from klingstudio.ui.models.jobs import JobsModel
from klingstudio.ui.takes.words import Act, CardWords, card_words, money
from klingstudio.ui.widgets.details import Details
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.icons import Button, IconButton, IconLabel
from klingstudio.ui.widgets.labels import ElidedLabel, announce, label, plain_tip, set_role
from klingstudio.ui.widgets.picture import Picture, picture_from
from klingstudio.ui.widgets.progress import ProgressLine

BACK = "Back"
SEND, DROP, CARRY_ON, DELETE = "Yes, send again", "Yes, drop it", "Carry it on", "Yes, delete them"
"""The second press."""
LET_RUN = "Let it run"
"""Where there is nothing to cancel."""


class TakeCard(QFrame):
    """Shows a job and asks for what can be done with it. Whatever may cost money again needs a second press."""

    chosen = Signal(str)
    asked = Signal(str, object)
    """Job id, Act."""
    stepped = Signal(str, int)
    """Job id, and -1 for the card above or +1 for the one below."""
    sent_again = Signal(str)
    dropped = Signal(str)
    found = Signal(str, str)
    """Job id, the provider's id of it."""
    copies_unwanted = Signal(str)
    """Job id."""

    def __init__(self, job_id: str, jobs: JobsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job_id = job_id
        self._jobs = jobs
        self._acts: tuple[Act, ...] = ()
        self._question: Act | None = None
        self._had_thumb: bytes | None = None
        self._shown: QPixmap | None = None
        self._can_compare = False
        self.setObjectName("takeCard")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._picture = Picture("film", self)
        self._picture.setFixedSize(theme.px(theme.THUMB_WIDTH), theme.px(theme.THUMB_HEIGHT))
        self._name = label(role="strong")
        self._where = ElidedLabel(role="secondary")
        self._cancel = IconButton("x", "Cancel", self, token="secondary")
        self._cancel.setProperty("on", "raised")
        self._cancel.clicked.connect(self._on_cancel)
        self._more = IconButton("ellipsis", "More", self, token="secondary")
        self._more.setProperty("on", "line")
        self._more.setFixedSize(theme.px(theme.MORE_WIDTH), theme.px(theme.MORE_HEIGHT))
        self._more.clicked.connect(self._show_menu)
        self._icon = IconLabel("circle-check", "good", 14)
        self._state = label(role="secondary", wraps=True)
        self._progress = ProgressLine("Progress", self)
        self._note = ElidedLabel(role="faint")
        self._foot = label(role="secondary", wraps=True)
        self._detail = label(role="secondary", wraps=True)
        self.details = Details(self)
        self._field = QLineEdit(self)
        self._field.setPlaceholderText("Job id from the provider's page")
        self._field.setAccessibleName("Job id from the provider's page")
        self._field.returnPressed.connect(self._confirm)
        self._buttons = QWidget(self)
        self._flow = FlowLayout(self._buttons, gap=theme.px(6))
        self._arrange()
        self.refresh()

    def _arrange(self) -> None:
        title = QHBoxLayout()
        title.setSpacing(theme.px(5))
        title.addWidget(self._name)
        title.addWidget(self._where, stretch=1)
        title.addWidget(self._more)
        state = QHBoxLayout()
        state.setSpacing(theme.px(5))
        state.addWidget(self._icon, alignment=Qt.AlignmentFlag.AlignTop)
        state.addWidget(self._state, stretch=1)
        words = QVBoxLayout()
        words.setSpacing(theme.px(2))
        words.addLayout(title)
        words.addLayout(state)
        words.addWidget(self._progress)
        words.addWidget(self._foot)
        words.addStretch()
        top = QHBoxLayout()
        top.setSpacing(theme.px(10))
        top.addWidget(self._picture, alignment=Qt.AlignmentFlag.AlignTop)
        top.addLayout(words, stretch=1)
        top.addWidget(self._cancel, alignment=Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(n) for n in (6, 6, 6, 6)))
        column.setSpacing(theme.px(6))
        column.addLayout(top)
        column.addWidget(self._note)
        column.addWidget(self._detail)
        column.addWidget(self.details)
        column.addWidget(self._field)
        column.addWidget(self._buttons)

    @property
    def acts(self) -> tuple[Act, ...]:
        """What the card offers now."""
        return self._acts

    @property
    def can_play(self) -> bool:
        return self._jobs.job(self.job_id).take is not None and not self._jobs.is_offline(self.job_id)

    def words(self) -> CardWords:
        """What it says now."""
        job = self._jobs.job(self.job_id)
        return card_words(
            job,
            number=self._jobs.number(self.job_id),
            provider=self._jobs.title(job.request.provider),
            is_free=self._jobs.is_free(job),
            progress=self._jobs.progress(self.job_id),
            elapsed_s=self._jobs.elapsed_s(self.job_id),
            now=datetime.now(UTC),
            is_offline=self._jobs.is_offline(self.job_id),
        )

    def refresh(self) -> None:
        """The job changed."""
        words = self.words()
        job = self._jobs.job(self.job_id)
        if self._question is not None and self._question not in (*words.acts, *self._copies_act()):
            self._question = None
        self._name.setText(words.name)
        self._where.setText(words.where)
        self._show_picture()
        self.refresh_progress()
        is_big = bool(words.detail)
        set_role(self, "edge", "warning" if words.tone == "warning" else "")
        self._foot.setText(words.foot)
        self._foot.setVisible(bool(words.foot))
        self._note.setText(words.note)
        self._note.setVisible(bool(words.note))
        if job.problem is not None:
            self.details.tell(job.problem.raw, copied=text.details(job.problem))
        else:
            self.details.tell("")
        self._cancel.setVisible(Act.CANCEL in words.acts)
        self._cancel.setToolTip(plain_tip(self._cancel_words()))
        self._cancel.setAccessibleName(f"Cancel {words.name}")
        self._cancel.setAccessibleDescription(self._cancel_words())
        # While it moves the one thing to do is to stop it; the menu is still on the second mouse button.
        self._more.setVisible(not words.is_moving)
        self._more.setAccessibleName(f"More about {words.name}")
        self._detail.setText(self._question_words(words))
        self._detail.setVisible(is_big or self._question is not None)
        self._field.setVisible(self._question is Act.FOUND)
        self._set_buttons(words)
        self._acts = words.acts
        self.setToolTip(plain_tip("\n".join(part for part in (job.request.prompt, words.tip) if part)))
        self.setAccessibleName(words.spoken)
        self.setAccessibleDescription(job.request.prompt)

    def refresh_progress(self) -> None:
        """Only what moves with the time."""
        words = self.words()
        progress = self._jobs.progress(self.job_id)
        self._icon.setVisible(bool(words.icon))
        if words.icon:
            self._icon.show_icon(words.icon, words.tone)
        set_role(self._state, "role", words.tone)
        self._state.setText(words.state)
        self._progress.setVisible(words.is_moving)
        if words.is_moving:
            self._progress.show_fraction(progress.fraction if progress else None)

    def show_picture(self) -> None:
        """The small picture can be had now."""
        self._show_picture()

    def set_chosen(self, chosen: bool) -> None:
        """Whether this take is the one in the viewer."""
        set_role(self, "chosen", "true" if chosen else "false")

    def offer_comparison(self, can_compare: bool) -> None:
        """Whether another take of the same source is in the viewer, which this one can be laid beside."""
        self._can_compare = can_compare

    def _show_picture(self) -> None:
        data = self._jobs.thumb(self.job_id)
        is_dim = self._jobs.job(self.job_id).state is not State.COMPLETED
        if data is not self._had_thumb or data is None:
            self._had_thumb = data
            self._shown = picture_from(data)
        self._picture.show_picture(self._shown, dim=is_dim)

    # buttons and the second press

    def _question_words(self, words: CardWords) -> str:
        job = self._jobs.job(self.job_id)
        up_to = money(job, is_free=self._jobs.is_free(job)).removeprefix("about ")
        match self._question:
            case Act.SEND_AGAIN:
                limit = f", up to {up_to} more" if up_to and up_to != "free" else ""
                return f"If the first request did arrive, sending again charges a second time{limit}."
            case Act.DROP:
                return "Stop looking for it? If it turns up at the provider later, its take is still fetched."
            case Act.FOUND:
                return "Paste the id of this job from the provider's page."
            case Act.CANCEL:
                return self._cancel_words()
            case Act.DELETE_COPIES:
                return (
                    f"Delete the clip and pictures that were uploaded to {self._jobs.host_title(job)}? The take stays."
                )
            case _:
                return words.detail

    def _set_buttons(self, words: CardWords) -> None:
        match self._question:
            case Act.SEND_AGAIN:
                wanted = [SEND, BACK]
            case Act.DROP:
                wanted = [DROP, BACK]
            case Act.FOUND:
                wanted = [CARRY_ON, BACK]
            case Act.CANCEL:
                wanted = [LET_RUN]
            case Act.DELETE_COPIES:
                wanted = [DELETE, BACK]
            case _:
                wanted = [act.value for act in words.acts if act is not Act.CANCEL]
        shown = [button.text() for button in self._buttons.findChildren(Button)]
        self._buttons.setVisible(bool(wanted))
        if shown == wanted:
            return
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self._buttons.isAncestorOf(focus)
        while (item := self._flow.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.setParent(None)
                old.deleteLater()
        for one in wanted:
            button = Button(one, self._buttons, kind="spend" if one == SEND else "small")
            button.clicked.connect(self._on_button)
            self._flow.addWidget(button)
            button.show()
        if had_focus:
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_button(self) -> None:
        sender = self.sender()
        if isinstance(sender, Button):
            self._press(sender.text())

    def _press(self, words: str) -> None:
        if words in {BACK, LET_RUN}:
            self._ask(None)
        elif words in {SEND, DROP, CARRY_ON, DELETE}:
            self._confirm()
        else:
            act = Act(words)
            if act is Act.CANCEL:
                self._on_cancel()
            elif act in {Act.SEND_AGAIN, Act.DROP, Act.FOUND, Act.DELETE_COPIES}:
                self._ask(act)
            else:
                self.asked.emit(self.job_id, act)

    def _ask(self, act: Act | None) -> None:
        self._question = act
        self.refresh()
        if act is not None:
            announce(self, self._detail.text())
        if act is Act.FOUND:
            self._field.clear()
            self._field.setFocus(Qt.FocusReason.OtherFocusReason)

    def _confirm(self) -> None:
        question = self._question
        if question is Act.FOUND:
            remote_id = self._field.text().strip()
            if remote_id:
                self._ask(None)
                self.found.emit(self.job_id, remote_id)
            return
        self._ask(None)
        if question is Act.SEND_AGAIN:
            self.sent_again.emit(self.job_id)
        elif question is Act.DROP:
            self.dropped.emit(self.job_id)
        elif question is Act.DELETE_COPIES:
            self.copies_unwanted.emit(self.job_id)

    def _on_cancel(self) -> None:
        if self._goes_on():
            self._ask(Act.CANCEL)
        else:
            self.asked.emit(self.job_id, Act.CANCEL)

    def _goes_on(self) -> bool:
        """True where nobody can stop it any more: it was sent to a provider that cannot be asked to."""
        job = self._jobs.job(self.job_id)
        info = self._jobs.info(job)
        return job.state not in UNSENT and info is not None and not info.can_cancel

    def _cancel_words(self) -> str:
        job = self._jobs.job(self.job_id)
        if job.state in UNSENT:
            return "Stop before it is sent; that costs nothing"
        info = self._jobs.info(job)
        return info.cancel_note if info is not None else ""

    def _copies_act(self) -> tuple[Act, ...]:
        return (Act.DELETE_COPIES,) if self._jobs.has_copies(self._jobs.job(self.job_id)) else ()

    # mouse, keys, menu

    def menu(self) -> QMenu:
        """Everything that can be done with the job."""
        menu = QMenu(self)
        compare = (Act.COMPARE,) if self._can_compare else ()
        offered: list[Act] = [Act.PLAY, *compare, Act.SHOW_IN_FOLDER] if self.can_play else []
        offered += [act for act in self._acts if act not in offered]
        usual = (Act.RUN_AGAIN, Act.COPY_PROMPT, Act.COPY_DETAILS, *self._copies_act())
        offered += [act for act in usual if act not in offered]
        for act in offered:
            action = QAction(act.value, menu)
            action.setData(act)
            menu.addAction(action)
        menu.triggered.connect(self._on_menu)
        return menu

    def _on_menu(self, action: QAction) -> None:
        self._press(str(action.data()))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        menu.popup(self.mapToGlobal(QPoint(theme.px(40), theme.px(40))) if by_key else event.globalPos())

    def _show_menu(self) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self._more.mapToGlobal(QPoint(0, self._more.height())))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self.chosen.emit(self.job_id)
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.can_play:
            self.asked.emit(self.job_id, Act.SHOW_IN_FOLDER)
        super().mouseDoubleClickEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        match event.key():
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if not (event.modifiers() & Qt.KeyboardModifier.ControlModifier):
                self.chosen.emit(self.job_id)
            case Qt.Key.Key_Up | Qt.Key.Key_Down:
                self.stepped.emit(self.job_id, -1 if event.key() == Qt.Key.Key_Up else 1)
            case Qt.Key.Key_Delete if Act.CANCEL in self._acts:
                self._on_cancel()
            case Qt.Key.Key_X if shift and Act.CANCEL in self._acts:
                self._on_cancel()
            case Qt.Key.Key_R if not event.modifiers():
                self.asked.emit(self.job_id, Act.RUN_AGAIN)
            case _:
                super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # The player listens to these keys all over the window; they are the card's while it has the keyboard.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_step(event):
            event.accept()
            return True
        return super().event(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        set_role(self, "hover", "true")
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        set_role(self, "hover", "false")
        super().leaveEvent(event)


def _is_step(event: QKeyEvent) -> bool:
    """To the card above or below."""
    is_plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    return is_plain and event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down}

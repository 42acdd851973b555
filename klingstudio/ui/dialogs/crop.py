"""Crop, turn and pad one picture. Works on a small copy; the edit is carried out on the person's own file afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QDialog, QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from klingstudio.domain.errors import Problem
from klingstudio.ui import text, theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.picture_edits import PictureEdits, Target
from klingstudio.ui.widgets.crop_view import CropView
from klingstudio.ui.widgets.flow import FlowLayout
from klingstudio.ui.widgets.focus import FocusRing
from klingstudio.ui.widgets.icons import Button, IconButton, IconLabel
from klingstudio.ui.widgets.labels import announce, label, plain_tip
from klingstudio.ui.widgets.thumbnails import Thumbnails

if TYPE_CHECKING:
    from klingstudio.domain.media import ImageFacts, PictureEdit

PREVIEW_PX = 1600
FREE, ORIGINAL = "Free", "Original"
SHAPES: dict[str, float | None] = {FREE: None, ORIGINAL: None, "1:1": 1.0, "16:9": 16 / 9, "9:16": 9 / 16}


class CropDialog(QDialog):
    """One for the window; `show_target` says what it is about."""

    def __init__(self, draft: DraftModel, edits: PictureEdits, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft, self._edits = draft, edits
        self._target: Target | None = None
        self._facts: ImageFacts | None = None
        self._problem: Problem | None = None
        self._edit: PictureEdit | None = None
        self._by_hand: PictureEdit | None = None
        """The frame as the person left it last: every preset begins with it, so that none makes the next one smaller."""
        self._shape = FREE
        self._previews = Thumbnails(self, side_px=PREVIEW_PX)
        self._previews.ready.connect(self._on_preview)
        self.setObjectName("crop")
        self.setModal(False)
        self.view = CropView(self)
        self.view.framed.connect(self._on_framed)
        self._build()
        self.resize(*(theme.px(n) for n in theme.CROP_SIZE))
        draft.pictures_changed.connect(self._on_draft)
        draft.switched.connect(self._on_draft)
        draft.providers_changed.connect(self._refresh)
        edits.measured.connect(self._on_measured)
        FocusRing(self)

    def _build(self) -> None:
        self.shapes = {name: self._shape_button(name) for name in SHAPES}
        group = QButtonGroup(self)
        segment = QFrame(self)
        segment.setProperty("kind", "segment")
        row = QHBoxLayout(segment)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for button in self.shapes.values():
            group.addButton(button)
            row.addWidget(button)
        self.fit = Button("Crop to fit", self, kind="small", icon_name="crop")
        self.fit.clicked.connect(self._crop_to_fit)
        self.bars = Button("Grey bars", self, kind="small")
        self.bars.setCheckable(True)
        self.bars.clicked.connect(self._on_bars)
        self.left = IconButton("rotate-ccw", "Turn left  Shift+R", self)
        self.left.clicked.connect(lambda: self._turn(270))
        self.right = IconButton("rotate-cw", "Turn right  R", self)
        self.right.clicked.connect(lambda: self._turn(90))
        self._tools = [*self.shapes.values(), self.fit, self.bars, self.left, self.right]

        tools = FlowLayout(gap=theme.px(theme.BETWEEN))
        for tool in (segment, self.fit, self.bars, self.left, self.right):
            tools.addWidget(tool)

        self.size_words = label("", "strong")
        self._mark = IconLabel("circle-check", "good", parent=self)
        self.fit_words = label("", "secondary", wraps=True)
        words = QHBoxLayout()
        words.setSpacing(theme.px(theme.BETWEEN))
        words.addWidget(self.size_words)
        words.addSpacing(theme.px(theme.BETWEEN))
        words.addWidget(self._mark)
        words.addWidget(self.fit_words, stretch=1)

        self.original = Button("Use the original", self, kind="link")
        self.original.clicked.connect(self._start_over)
        self.cancel = Button("Cancel", self)
        self.cancel.clicked.connect(self.reject)
        self.apply = Button("Apply", self)
        self.apply.setDefault(True)
        self.apply.clicked.connect(self._apply)
        foot = QHBoxLayout()
        foot.setSpacing(theme.px(theme.BETWEEN))
        foot.addWidget(self.original)
        foot.addStretch()
        foot.addWidget(self.cancel)
        foot.addWidget(self.apply)

        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.px(theme.AROUND),) * 4)
        column.setSpacing(theme.px(theme.INSIDE))
        column.addWidget(self.view, stretch=1)
        column.addLayout(tools)
        column.addLayout(words)
        column.addLayout(foot)

    def _shape_button(self, name: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(name)
        button.setCheckable(True)
        button.setMinimumHeight(theme.px(28))
        button.setMinimumWidth(theme.px(48))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(f"Shape: {name}")
        button.clicked.connect(lambda _=False: self._choose_shape(name))
        return button

    # what it is about

    def show_target(self, target: Target) -> None:
        """Begin with this picture, and with what was done to it before."""
        self._target, self._facts, self._problem = target, None, None
        self._edit = self._by_hand = replace(target.edit, least_px=0, max_bytes=0)
        self._shape = FREE
        self.setWindowTitle(f"Crop and rotate {target.name}")
        self.view.show_picture(QImage())
        self._refresh()
        self.view.setFocus(Qt.FocusReason.OtherFocusReason)
        self._edits.measure(target.origin)

    def detach(self) -> None:
        """Wait for what is being read; the program ends."""
        self._previews.wait()

    def _on_measured(self, path: str, answer: object) -> None:
        if self._target is None or path != self._target.origin:
            return
        if isinstance(answer, Problem):
            self._problem = answer
        else:
            self._facts = answer  # type: ignore[assignment]
            # Measured first: a file that would eat all memory has been refused by then.
            self._previews.want(path)
        self._refresh()

    def _on_preview(self, path: str, image: QImage) -> None:
        if self._target is not None and path == self._target.origin:
            self.view.show_picture(image)

    def _on_draft(self) -> None:
        target = self._target
        if target is None:
            return
        now = self._edits.target(target.reference_id, target.index)
        if now is None or now.place != target.place:
            # Another picture stands there by now.
            self.reject()

    # what the person does

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_R and event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.ShiftModifier,
        ):
            self._turn(270 if event.modifiers() else 90)
        else:
            super().keyPressEvent(event)

    def _on_framed(self, frame: QRectF) -> None:
        if self._edit is not None:
            self._edit = self._by_hand = replace(
                self._edit, left=frame.left(), top=frame.top(), right=frame.right(), bottom=frame.bottom()
            )
            self._refresh()

    def _turn(self, by_deg: int) -> None:
        from klingstudio.domain.picture_edit import turned

        if self._facts is None or self._edit is None or self._by_hand is None:
            return
        self._edit, self._by_hand = turned(self._edit, by_deg), turned(self._by_hand, by_deg)
        if SHAPES[self._shape] is not None:
            self._choose_shape(self._shape)
        self._refresh(tell=True)

    def _choose_shape(self, name: str) -> None:
        from klingstudio.domain.picture_edit import shaped

        self._shape = name
        if self._edit is not None and self._by_hand is not None and self._facts is not None:
            ratio = SHAPES[name]
            if ratio is not None:
                framed = shaped(self._by_hand, self._facts.width_px, self._facts.height_px, ratio)
                self._edit = _with_frame(self._edit, framed)
            elif name == ORIGINAL:
                self._edit = self._by_hand = replace(self._edit, left=0.0, top=0.0, right=1.0, bottom=1.0)
        self._refresh(tell=True)

    def _crop_to_fit(self) -> None:
        from klingstudio.domain.picture_edit import cut_size, shaped

        limits = self._edits.limits
        if self._edit is None or self._facts is None or limits is None:
            return
        facts, most = self._facts, limits.image_ratio_max
        width, height = cut_size(facts.width_px, facts.height_px, self._edit)
        ratio = min(max(width / height, 1 / most), most)
        # A hair inside of the limit: the frame is rounded to whole pixels.
        ratio += (1.0 - ratio) * 0.004
        self._shape = FREE
        self._edit = self._by_hand = replace(shaped(self._edit, facts.width_px, facts.height_px, ratio), pad_ratio=None)
        self._refresh(tell=True)

    def _on_bars(self) -> None:
        limits = self._edits.limits
        if self._edit is not None and limits is not None:
            self._edit = replace(self._edit, pad_ratio=limits.image_ratio_max if self.bars.isChecked() else None)
            self._refresh(tell=True)

    def _start_over(self) -> None:
        from klingstudio.domain.media import PictureEdit

        self._edit = self._by_hand = PictureEdit()
        self._shape = FREE
        self._refresh(tell=True)

    def _apply(self) -> None:
        target, edit = self._target, self._result()
        if target is not None and edit is not None:
            self._target = None
            self._edits.apply(target, edit)
            self.accept()

    # what is shown

    def _result(self) -> PictureEdit | None:
        """The edit as it will be carried out: what is too small after it is enlarged, where that makes sense."""
        from klingstudio.domain.media import ImageFacts, PictureEdit
        from klingstudio.domain.picture_edit import cut_size, edited_size, legal_edit

        edit, facts, limits = self._edit, self._facts, self._edits.limits
        if edit is None or facts is None:
            return None
        if limits is None:
            return edit
        width, height = cut_size(facts.width_px, facts.height_px, edit)
        if max(width, height) <= min(width, height) * limits.image_ratio_max:
            edit = replace(edit, pad_ratio=None)
        width, height = edited_size(facts.width_px, facts.height_px, edit)
        legal = legal_edit(ImageFacts(format="", width_px=width, height_px=height, size_bytes=0), limits)
        if legal is not None and legal.pad_ratio is None:
            edit = replace(edit, least_px=legal.least_px)
        is_heavy = facts.size_bytes > limits.image_max_bytes
        return replace(edit, max_bytes=limits.image_max_bytes) if is_heavy or edit != PictureEdit() else edit

    def _refresh(self, *, tell: bool = False) -> None:
        edit, facts, limits = self._edit, self._facts, self._edits.limits
        for tool in (*self._tools, self.apply):
            tool.setEnabled(facts is not None)
        self.view.setEnabled(facts is not None)
        self.bars.setEnabled(facts is not None and limits is not None)
        for name, button in self.shapes.items():
            button.setChecked(name == self._shape)
        if edit is None or facts is None:
            self._say_state()
            return
        self._show_frame(edit, facts)
        self._show_words(facts, tell=tell)

    def _say_state(self) -> None:
        self.size_words.setText("" if self._problem else "Reading the picture…")
        self._mark.setVisible(self._problem is not None)
        self.original.hide()
        self._mark.show_icon("circle-alert", "bad")
        self.fit_words.setText(text.passage(self._problem) if self._problem else "")
        self.apply.setToolTip(plain_tip(text.reason(self._problem)) if self._problem else "The picture is being read")

    def _show_frame(self, edit: PictureEdit, facts: ImageFacts) -> None:
        from klingstudio.domain.picture_edit import cut_size, edited_size

        frame = QRectF(edit.left, edit.top, edit.right - edit.left, edit.bottom - edit.top)
        shape = SHAPES[self._shape]
        if shape is not None:
            lying = facts.height_px / facts.width_px
            shape *= 1 / lying if edit.turn_deg % 180 else lying
        elif self._shape == ORIGINAL:
            shape = 1.0
        self.view.show_frame(frame, turn=edit.turn_deg, shape=shape)
        size, cut = (size_of(facts.width_px, facts.height_px, edit) for size_of in (edited_size, cut_size))
        has_bars = abs(size[0] / size[1] - cut[0] / cut[1]) > 0.005
        self.view.show_bars(QSize(*size) if has_bars else QSize())

    def _show_words(self, facts: ImageFacts, *, tell: bool) -> None:
        from klingstudio.domain.media import PictureEdit
        from klingstudio.domain.picture_edit import cut_size, edited_size

        result = self._result() or PictureEdit()
        cut = cut_size(facts.width_px, facts.height_px, result)
        size = edited_size(facts.width_px, facts.height_px, result)
        words = f"{size[0]}×{size[1]} px"
        if result.least_px and min(cut) < min(size):
            words = f"{cut[0]}×{cut[1]} → {words}, enlarged"
        provider = self._draft.provider
        problem = self._edits.verdict(*size)
        limits = self._edits.limits
        most = f"{limits.image_ratio_max:g} : 1" if limits is not None else ""
        is_narrow = limits is not None and max(cut) > min(cut) * limits.image_ratio_max
        self.size_words.setText(words)
        self._mark.setVisible(provider is not None)
        self._mark.show_icon(*(("circle-alert", "bad") if problem else ("circle-check", "good")))
        self.fit_words.setText(text.reason(problem) if problem else f"Fits {provider.title}" if provider else "")
        self.fit.setEnabled(is_narrow)
        self.fit.setToolTip(f"Cut off what goes beyond {most}" if is_narrow else "This shape fits already")
        self.bars.setChecked(is_narrow and result.pad_ratio is not None)
        self.bars.setEnabled(is_narrow)
        self.bars.setToolTip(f"Add bars until the shape is {most}" if is_narrow else "This shape needs no bars")
        self.original.setVisible(self._edit != PictureEdit())
        self.apply.setToolTip("Apply  Enter")
        said = f"{words}. {self.fit_words.text()}"
        self.view.setAccessibleDescription(f"{said}. Arrow keys move the frame, with Shift they change its size")
        if tell:
            announce(self.view, said)


def _with_frame(edit: PictureEdit, framed: PictureEdit) -> PictureEdit:
    return replace(edit, left=framed.left, top=framed.top, right=framed.right, bottom=framed.bottom)

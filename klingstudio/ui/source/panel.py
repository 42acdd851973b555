"""The source: a place to drop a clip, then the clip with its facts and its fit plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from klingstudio.ui import text, theme
from klingstudio.ui.models.draft import DraftModel
from klingstudio.ui.models.source import Source
from klingstudio.ui.widgets.drop import DropArea, DropLight
from klingstudio.ui.widgets.icons import Button, IconButton, IconLabel
from klingstudio.ui.widgets.labels import ElidedLabel, label, set_role
from klingstudio.ui.widgets.picture import Picture, picture_from

if TYPE_CHECKING:
    from klingstudio.domain.media import ClipFacts

VIDEO_FILTER = (
    "Videos (*.mp4 *.mov *.m4v *.mkv *.webm *.avi *.mpg *.mpeg *.ts *.mts *.m2ts *.wmv *.3gp *.mxf);;All files (*)"
)
_CODECS = {"h264": "H.264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1", "prores": "ProRes", "mpeg4": "MPEG-4"}


def facts_lines(facts: ClipFacts) -> str:
    """`12.4 s · 3840×2160 · 29.97 fps` and, below, `HEVC · sound`."""
    seen = [f"{facts.duration_s:.1f} s", f"{facts.width_px}×{facts.height_px}", f"{float(facts.fps):.4g} fps"]
    inside = [_CODECS.get(facts.video_codec, facts.video_codec)]
    inside += ["HDR"] if facts.is_hdr else []
    inside += ["sound" if facts.audio_codec else "no sound"]
    return " · ".join(seen) + "\n" + " · ".join(inside)


class SourcePanel(QWidget):
    """The source of the draft."""

    chosen = Signal(object)
    """A file was chosen in the dialog: Path."""

    def __init__(self, draft: DraftModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._shown_poster: bytes | None = None
        self._is_compact = False
        self._area = DropArea("clapperboard", "Drop a clip", "3–10 s; longer ones are fitted", self)
        self._area.setObjectName("chooseSource")
        self._area.setAccessibleName("Choose a video")
        self._area.clicked.connect(self.choose)
        self._open = IconButton("folder-open", "Choose another video…", self, token="secondary")
        self._open.clicked.connect(self.choose)
        self._card = self._build_card()

        head = QHBoxLayout()
        head.addStrut(theme.px(theme.HEAD))
        head.addWidget(label("Source", "section"))
        head.addStretch()
        head.addWidget(self._open)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(theme.BETWEEN))
        column.addLayout(head)
        column.addWidget(self._area)
        column.addWidget(self._card)
        self.light = DropLight(self)
        draft.source_changed.connect(self._refresh)
        draft.providers_changed.connect(self._refresh)
        self._refresh()

    def _build_card(self) -> QFrame:
        card = QFrame(self)
        card.setProperty("ground", "card")
        card.setObjectName("sourceCard")
        self._picture = Picture("film", card, radius=theme.RADIUS - 1, only_top=True)
        self._picture.setFixedHeight(theme.px(124))
        self._name = ElidedLabel(role="strong", mode=Qt.TextElideMode.ElideMiddle)
        self._facts = label(role="secondary", wraps=True)
        self._plan = QLabel()
        self._plan.setProperty("role", "secondary")
        self._plan.setTextFormat(Qt.TextFormat.RichText)
        self._plan.setWordWrap(True)
        self._mark = IconLabel("check", "good", 14)
        self._fits = label(role="good", wraps=True)
        self._button = Button("", card, kind="small")
        self._button.clicked.connect(self._help)
        self._remove = IconButton("x", "Remove the video", card)
        self._remove.setProperty("on", "raised")
        self._remove.clicked.connect(self._draft.remove_source)

        top = QHBoxLayout()
        top.addWidget(self._name, stretch=1)
        top.addWidget(self._remove)
        fits = QHBoxLayout()
        fits.setSpacing(theme.px(6))
        fits.addWidget(self._mark, alignment=Qt.AlignmentFlag.AlignTop)
        fits.addWidget(self._fits, stretch=1)
        inside = QVBoxLayout()
        inside.setContentsMargins(*(theme.px(n) for n in (12, 6, 8, 12)))
        inside.setSpacing(theme.px(3))
        inside.addLayout(top)
        inside.addWidget(self._facts)
        inside.addWidget(self._plan)
        inside.addSpacing(theme.px(2))
        inside.addLayout(fits)
        inside.addWidget(self._button, alignment=Qt.AlignmentFlag.AlignLeft)
        column = QVBoxLayout(card)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._picture)
        column.addLayout(inside)
        return card

    def set_compact(self, *, compact: bool) -> None:
        """Without the picture, where there is little room."""
        self._is_compact = compact
        self._show_room()

    def _show_room(self) -> None:
        source = self._draft.source
        # A file that cannot be read has no picture, and an empty place for one would only look broken.
        is_lost = source is not None and source.problem is not None and source.poster is None
        self._picture.setVisible(not self._is_compact and not is_lost)

    def choose(self) -> None:
        """Ask for a file without stopping the window."""
        from PySide6.QtWidgets import QFileDialog

        dialog = QFileDialog(self, "Choose a video", "", VIDEO_FILTER)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._on_file)
        dialog.open()

    def _on_file(self, name: str) -> None:
        self.chosen.emit(Path(name))

    def _help(self) -> None:
        if self._button.text() == text.Button.TRY_AGAIN:
            self._draft.read_source_again()
        else:
            self.choose()

    def _refresh(self) -> None:
        source = self._draft.source
        focus = QApplication.focusWidget()
        had_focus = focus is not None and self.isAncestorOf(focus)
        self._area.setVisible(source is None)
        self._card.setVisible(source is not None)
        self._open.setVisible(source is not None)
        if had_focus and focus is not None and not focus.isVisibleTo(self):
            # What had the keyboard went away; it stays with the source.
            (self._area if source is None else self._open).setFocus(Qt.FocusReason.OtherFocusReason)
        if source is not None:
            self._show(source)
        else:
            self._shown_poster = None

    def _show(self, source: Source) -> None:
        if source.poster is not self._shown_poster or source.poster is None:
            self._shown_poster = source.poster
            self._picture.show_picture(picture_from(source.poster))
        self._show_room()
        self._name.setText(source.path.name)
        self._facts.setText(facts_lines(source.facts) if source.facts else "Reading…")
        self._facts.setVisible(source.facts is not None or source.problem is None)
        self._show_plan(source)
        set_role(self._card, "edge", "bad" if source.problem else "")
        self._card.setAccessibleName(f"Source: {source.path.name}")

    def _show_plan(self, source: Source) -> None:
        steps = source.plan.steps if source.plan else ()
        self._plan.setVisible(bool(steps))
        self._plan.setText(" · ".join(_step(step) for step in steps))
        provider = self._draft.provider.title if self._draft.provider else ""
        is_there = source.problem is not None or (source.plan is not None and bool(provider))
        self._mark.setVisible(is_there)
        self._fits.setVisible(is_there)
        self._button.setVisible(False)
        if source.problem is not None:
            # The name stands right above.
            is_named = source.problem.detail == source.path.name
            problem = replace(source.problem, detail="") if is_named else source.problem
            sentence = text.sentence(problem)
            self._mark.show_icon("circle-alert", "bad")
            set_role(self._fits, "role", "bad")
            self._fits.setText(text.passage(problem))
            # Whatever the place of the problem, another file always helps here.
            self._button.setText(sentence.button or text.Button.CHOOSE_VIDEO)
            self._button.setVisible(True)
        elif cautions := [text.caution(one) for one in self._draft.cautions() if one.subject == "source"]:
            self._mark.show_icon("triangle-alert", "warning")
            set_role(self._fits, "role", "warning")
            self._fits.setText(". ".join(cautions))
        else:
            self._mark.show_icon("check", "good")
            set_role(self._fits, "role", "good")
            self._fits.setText(f"fits {provider} after this" if steps else f"fits {provider} as it is")


def _step(step: str) -> str:
    from html import escape

    before, arrow, after = step.partition(" → ")
    return f"{escape(before)} → <b>{escape(after)}</b>" if arrow else f"<b>{escape(step)}</b>"

"""Names and words of others are shown as they are: never as markup, in no label and in no tip."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QAction, Qt
from PySide6.QtWidgets import QApplication, QLabel, QTabBar, QWidget

from klingstudio.domain.errors import Charged, Kind, Problem
from klingstudio.domain.job import State
from klingstudio.ui.widgets.labels import ElidedLabel, plain_tip
from tests.fakes.studio import a_job, a_request
from tests.ui.conftest import Desk

MARKUP = "<img src=http:x.example><b>bold & brave"
NAME = f"/clips/{MARKUP}.mp4"


def rendered(within: QWidget) -> list[str]:
    """Every place where the markup would be taken for markup."""
    found = []
    for widget in [within, *within.findChildren(QWidget)]:
        tip = widget.toolTip()
        if "<img" in tip and Qt.mightBeRichText(tip):
            found.append(f"tip of {type(widget).__name__}: {tip}")
        if isinstance(widget, QLabel) and "<img" in widget.text() and widget.textFormat() != Qt.TextFormat.PlainText:
            found.append(f"{type(widget).__name__}: {widget.text()}")
        if isinstance(widget, QTabBar):
            tips = [widget.tabToolTip(n) for n in range(widget.count())]
            found += [f"tip of a tab: {tip}" for tip in tips if "<img" in tip and Qt.mightBeRichText(tip)]
    for action in within.findChildren(QAction):
        if "<img" in action.toolTip() and Qt.mightBeRichText(action.toolTip()):
            found.append(f"tip of the action {action.text()}")
    return found


async def test_no_word_of_others_is_taken_for_markup_anywhere_in_the_window(desk: Desk) -> None:
    for number, (state, kind) in enumerate(
        [
            (State.REMOTE_FAILED, Kind.EDIT_FAILED),
            (State.REJECTED, Kind.REQUEST_REJECTED),
            (State.UNCONFIRMED, Kind.SUBMIT_UNCONFIRMED),
            (State.REMOTE, None),
            (State.COMPLETED, None),
        ],
        1,
    ):
        problem = None
        if kind is not None:
            problem = Problem(kind=kind, detail=MARKUP, charged=Charged.MAYBE, raw=MARKUP)
        job = a_job(
            number,
            state=state,
            problem=problem,
            remote_status=MARKUP,
            take=f"/takes/{MARKUP}.mp4",
            request=a_request(source=NAME, prompt=MARKUP, billed_to=MARKUP),
        )
        desk.studio.queue.tell(job)
    await desk.start()
    desk.draft.set_source(Path(NAME))
    desk.draft.replace_prompt(MARKUP)
    desk.draft.add_element(MARKUP, f"/pictures/{MARKUP}.png")
    desk.draft.add_pictures([Path(f"/pictures/{MARKUP}.png")])
    desk.models.drafts.rename(desk.models.drafts.current, MARKUP)
    desk.models.problems.show(Problem(kind=Kind.SOURCE_DAMAGED, detail=MARKUP, raw=MARKUP))
    desk.window.resize(820, 700)
    await desk.settle()
    for open_dialog in (desk.window.dialogs.library, desk.window.dialogs.settings):
        open_dialog()
    await desk.settle()

    shown = [label.text() for label in desk.window.findChildren(QLabel)]
    assert sum("<img" in one for one in shown) >= 5, "there is something to be taken for markup"
    taken = rendered(desk.window)
    assert taken == [], "\n".join(taken)


def test_a_tip_shows_markup_as_it_is(qapp: QApplication) -> None:
    assert plain_tip("Copy details") == "Copy details"
    assert plain_tip("two\nlines") == "two\nlines"
    assert "&lt;img" in plain_tip(MARKUP)
    narrow = ElidedLabel(MARKUP)
    narrow.resize(20, 20)
    narrow.setText(MARKUP)
    assert rendered(narrow) == []
    assert "&lt;img" in narrow.toolTip()

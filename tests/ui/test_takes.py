from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QPushButton

from klingstudio.domain.errors import Charged, InputRefused, Kind, Problem
from klingstudio.domain.job import Asset, CancelAnswer, Clip, Job, Progress, State
from klingstudio.domain.price import Money
from klingstudio.ui import text
from klingstudio.ui.takes.card import BACK, DELETE, LET_RUN
from klingstudio.ui.takes.words import Act, CardWords, card_words, clock, when
from klingstudio.ui.window.stage import Stage
from tests.fakes.studio import BARE, FREE, NOW, PAID, a_job, a_request
from tests.ui.conftest import Desk

CLIP = Clip(
    path="/work/clip.mp4",
    sha256="0",
    size_bytes=1,
    duration_s=5.3,
    width_px=1280,
    height_px=720,
    frame_count=132,
    is_source=True,
)
DONE = a_job(state=State.COMPLETED, clip=CLIP, take="/takes/street_v01.mp4", charge=Money(Decimal("1.77"), "USD"))
LOST = a_job(
    state=State.UNCONFIRMED, problem=Problem(kind=Kind.SUBMIT_UNCONFIRMED, detail="ReadTimeout", charged=Charged.MAYBE)
)


def words(job: Job, **changes: object) -> CardWords:
    given: dict[str, object] = {
        "number": 3,
        "provider": "Acme",
        "is_free": False,
        "progress": None,
        "elapsed_s": 102.0,
        "now": NOW,
    }
    return card_words(job, **{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("state", State)
def test_an_edit_that_cannot_be_read_says_so_and_offers_nothing(state: State) -> None:
    said = words(a_job(state=state, paused=True, problem=Problem(kind=Kind.JOB_UNREADABLE, charged=Charged.MAYBE)))

    assert (said.state, said.acts, said.is_moving) == ("This edit cannot be read", (), False)
    assert said.detail


def test_an_edit_that_may_have_been_sent_after_the_backup_is_only_run_as_another_one() -> None:
    said = words(a_job(state=State.DRAFT, problem=Problem(kind=Kind.MAY_BE_SENT, charged=Charged.MAYBE)))

    assert said.acts == (Act.RUN_AGAIN,)
    assert "may have been sent" in said.state
    assert "may have been charged" in said.foot


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("paused", [False, True])
def test_every_state_has_a_card_that_says_something(state: State, paused: bool) -> None:
    said = words(a_job(state=state, paused=paused))

    assert said.name == "v03"
    assert said.where == "Acme · Pro"
    assert said.state


def test_a_running_job_tells_its_phase_and_time() -> None:
    assert words(a_job(state=State.REMOTE)).state == "Editing · 1:42"
    progress = Progress(job_id="job-1", phase=State.UPLOADING, fraction=0.64)
    assert words(a_job(state=State.UPLOADING), progress=progress).state == "Uploading · 64%"


def test_a_finished_job_tells_length_and_charge() -> None:
    said = words(DONE)

    assert said.state == "checked · 5.3 s"
    assert said.foot.startswith("$1.77 · ")


def test_an_estimate_is_not_shown_as_a_charge() -> None:
    assert words(replace(DONE, charge=None)).foot.startswith("about $1.68 · ")


def test_a_failed_job_tells_why_and_whether_it_was_charged() -> None:
    problem = Problem(kind=Kind.EDIT_FAILED, detail="Face is not clear", subject="image:2")

    said = words(a_job(state=State.REMOTE_FAILED, problem=problem))

    assert said.state == "The edit failed at the provider"
    assert said.detail.startswith("Image 2: Face is not clear.")
    assert said.foot.startswith("not charged")
    assert said.acts == (Act.RUN_AGAIN,)


def test_an_unconfirmed_job_tells_what_was_sent_when_and_for_how_much() -> None:
    said = words(LOST)

    at = when(NOW, NOW)
    assert said.detail == f"Sent to Acme at {at} for about $1.68. The answer got lost, so it may have been charged."
    assert said.acts == (Act.LOOK_AGAIN, Act.FOUND, Act.SEND_AGAIN, Act.DROP)


def test_what_is_paid_for_cannot_be_cancelled_any_more() -> None:
    assert words(a_job(state=State.REMOTE)).acts == (Act.CANCEL,)
    assert words(a_job(state=State.DOWNLOADING)).acts == ()


def test_times() -> None:
    assert clock(0.4) == "0:00"
    assert clock(3725) == "62:05"
    later = NOW + timedelta(days=40)
    assert when(NOW, later).startswith(f"{NOW.astimezone().day} ")
    assert when(datetime.now(UTC), datetime.now(UTC)).count(":") == 1


async def test_the_list_is_newest_first_and_a_job_stays_in_its_place(desk: Desk) -> None:
    await desk.start()
    for n in (1, 2, 3):
        desk.studio.queue.tell(a_job(n))

    desk.studio.queue.tell(a_job(2, state=State.REMOTE))

    assert [card.job_id for card in desk.window.takes.cards()] == ["job-3", "job-2", "job-1"]
    assert desk.window.body.words.text() == "3 running"


async def test_the_empty_list_says_what_appears_there(desk: Desk) -> None:
    await desk.start()

    assert desk.window.takes._empty.isVisible()

    desk.studio.queue.tell(a_job())

    assert not desk.window.takes._empty.isVisible()


async def test_the_cross_cancels_and_so_do_the_keys(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(a_job(state=State.REMOTE))
    card = desk.window.takes.cards()[0]

    card._cancel.click()
    QTest.keyClick(card, Qt.Key.Key_Delete)
    QTest.keyClick(card, Qt.Key.Key_X, Qt.KeyboardModifier.ShiftModifier)

    assert desk.studio.queue.asked == [("cancel", "job-1")] * 3


async def test_sending_again_needs_a_second_press_that_names_the_amount(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(LOST)
    card = desk.window.takes.cards()[0]

    card._press(Act.SEND_AGAIN)
    question, asked_before = card._detail.text(), list(desk.studio.queue.asked)
    card._press("Yes, send again")

    assert asked_before == []
    assert question == "If the first request did arrive, sending again charges a second time, up to $1.68 more."
    assert desk.studio.queue.asked == [("send_again", "job-1")]


async def test_the_question_can_be_taken_back(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(LOST)
    card = desk.window.takes.cards()[0]

    card._press(Act.SEND_AGAIN)
    card._press(BACK)

    assert desk.studio.queue.asked == []
    assert card._detail.text().startswith("Sent to Acme")


async def test_an_id_that_was_found_is_passed_on_without_the_spaces_of_the_paste(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(LOST)
    card = desk.window.takes.cards()[0]

    card._press(Act.FOUND)
    QTest.keyClicks(card._field, "  abc-123 ")
    QTest.keyClick(card._field, Qt.Key.Key_Return)

    assert desk.studio.queue.asked == [("found", "job-1", "abc-123")]


async def test_dropping_needs_a_second_press(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(LOST)
    card = desk.window.takes.cards()[0]

    card._press(Act.DROP)
    assert desk.studio.queue.asked == []
    card._press("Yes, drop it")

    assert desk.studio.queue.asked == [("drop", "job-1")]


async def test_an_answer_that_comes_meanwhile_ends_the_question(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(LOST)
    card = desk.window.takes.cards()[0]
    card._press(Act.SEND_AGAIN)

    desk.studio.queue.tell(a_job(state=State.REMOTE, remote_id="abc"))

    assert card.words().state.startswith("Editing")
    assert "Yes, send again" not in [button.text() for button in card.findChildren(QPushButton)]


async def test_a_paused_job_goes_on_or_stops(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(a_job(state=State.UPLOADING, paused=True, problem=Problem(kind=Kind.NETWORK_DOWN)))
    card = desk.window.takes.cards()[0]

    card._press(Act.CONTINUE)
    card._press(Act.STOP)

    assert desk.studio.queue.asked == [("carry_on", "job-1"), ("cancel", "job-1")]
    assert desk.window.body.words.text() == "1 waits for you"


async def test_a_wish_that_is_refused_is_said_in_the_window(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(LOST)
    desk.studio.queue.refuses = InputRefused(Kind.JOB_NOT_WAITING, "remote")

    desk.jobs.look_again("job-1")

    assert desk.window.messages.title == "This job does not wait for an answer"


async def test_arrows_go_through_the_cards_and_enter_chooses(desk: Desk) -> None:
    await desk.start()
    for n in (1, 2):
        desk.studio.queue.tell(replace(DONE, id=f"job-{n}"))
    newest, oldest = desk.window.takes.cards()
    chosen: list[str] = []
    desk.window.takes.take_chosen.connect(chosen.append)
    await desk.settle()
    newest.setFocus()

    QTest.keyClick(newest, Qt.Key.Key_Down)
    assert oldest.hasFocus()
    QTest.keyClick(oldest, Qt.Key.Key_Return)
    QTest.keyClick(oldest, Qt.Key.Key_Up)

    assert chosen == ["job-1"]
    assert QApplication.focusWidget() is newest


async def test_the_prompt_can_be_copied_from_the_menu(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(replace(DONE, request=a_request(prompt="Deep snow")))
    card = desk.window.takes.cards()[0]

    offered = [action.text() for action in card.menu().actions()]
    card._press(Act.COPY_PROMPT)

    assert offered[:2] == [Act.PLAY, Act.SHOW_IN_FOLDER]
    assert QGuiApplication.clipboard().text() == "Deep snow"


async def test_only_the_newest_of_many_jobs_are_built_at_first(desk: Desk) -> None:
    for n in range(1, 101):
        desk.studio.queue.kept[f"job-{n}"] = replace(DONE, id=f"job-{n}")

    await desk.start()
    built = len(desk.window.takes.cards())
    desk.window.takes._more.click()

    assert built == 40
    assert len(desk.window.takes.cards()) == 80
    assert desk.window.takes.cards()[0].job_id == "job-100"


async def test_what_can_be_done_with_a_take_is_behind_a_button_too(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(DONE)
    desk.studio.queue.tell(a_job(2, state=State.REMOTE))
    moving, done = desk.window.takes.cards()

    done._more.click()
    menu = QApplication.activePopupWidget()

    assert isinstance(menu, QMenu)
    assert Act.SHOW_IN_FOLDER in [action.text() for action in menu.actions()]
    assert not moving._more.isVisible()
    menu.close()


@pytest.mark.parametrize(
    ("state", "paused", "kind", "acts"),
    [
        (State.UPLOADING, True, Kind.KEY_REFUSED, (Act.ADD_KEY, Act.CONTINUE, Act.STOP)),
        (State.DOWNLOADING, True, Kind.RESULT_DAMAGED, (Act.FETCH_AGAIN,)),
        (State.REJECTED, False, Kind.NO_CREDIT, (Act.ACCOUNT_PAGE, Act.RUN_AGAIN)),
    ],
)
def test_what_helps_comes_first_and_there_is_always_a_way_on(
    state: State, paused: bool, kind: Kind, acts: tuple[Act, ...]
) -> None:
    assert words(a_job(state=state, paused=paused, problem=Problem(kind=kind))).acts == acts


async def test_a_damaged_result_is_fetched_again(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(a_job(state=State.DOWNLOADING, paused=True, problem=Problem(kind=Kind.RESULT_DAMAGED)))

    desk.window.takes.cards()[0]._press(Act.FETCH_AGAIN)

    assert desk.studio.queue.asked == [("carry_on", "job-1")]


async def test_looking_again_is_said_because_the_card_may_stay_as_it_is(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(LOST)

    desk.window.takes.cards()[0]._press(Act.LOOK_AGAIN)

    assert desk.studio.queue.asked == [("look_again", "job-1")]
    assert desk.window.toast.words.startswith("Looking in the list of Acme")


async def test_of_several_takes_the_first_is_shown_and_the_others_do_not_push_it_aside(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def show(stage: Stage, job_id: str) -> None:
        shown.append(job_id)
        stage._job = job_id

    monkeypatch.setattr(Stage, "has_clip", True)
    monkeypatch.setattr(Stage, "show_take", show)
    await desk.start()
    await desk.fill()
    request = a_request(source="/clips/street.mp4")
    for n in (1, 2, 3):
        desk.studio.queue.tell(a_job(n, request=request))

    for n in (2, 1):
        desk.studio.queue.tell(replace(DONE, id=f"job-{n}", request=request))
    before = list(shown)
    desk.window.generate.generated.emit("job-3")
    desk.studio.queue.tell(replace(DONE, id="job-3", request=request))

    assert before == ["job-2"]
    assert shown == ["job-2", "job-3"]


# --- what a provider tells of a running edit ---------------------------------------------------------------------------


def test_a_running_job_tells_what_it_will_cost_and_what_the_provider_says() -> None:
    said = words(a_job(state=State.REMOTE, remote_status="IN_QUEUE · 3 before it"))

    assert said.note == "In queue · 3 before it"
    assert said.foot == "about $1.68"
    assert "In queue · 3 before it" in said.spoken


def test_what_was_charged_at_the_order_is_no_estimate_and_what_is_left_is_behind_it() -> None:
    charge, left = Money(Decimal(40), "credits"), Money(Decimal(260), "credits")

    said = words(a_job(state=State.REMOTE, charge=charge, balance=left))

    assert said.foot == "charged 40 credits"
    assert said.tip == "260 credits left after this order"


def test_a_link_that_dies_is_told_until_the_take_is_here() -> None:
    at = NOW + timedelta(minutes=42)

    running = words(a_job(state=State.DOWNLOADING, result_expires_at=at))
    paused = words(a_job(state=State.DOWNLOADING, paused=True, result_expires_at=at))
    late = words(a_job(state=State.DOWNLOADING, result_expires_at=at), now=at + timedelta(seconds=1))

    assert running.foot == f"about $1.68 · link until {when(at, NOW)}"
    assert paused.foot.endswith(f"link until {when(at, NOW)}")
    assert late.foot.endswith("link expired")
    assert "link" not in words(replace(DONE, result_expires_at=at)).foot


def test_several_takes_of_one_order_are_named_until_each_has_a_card_of_its_own() -> None:
    request = a_request(takes=3)

    assert words(a_job(state=State.UPLOADING, request=request)).where == "Acme · Pro · 3 takes"
    assert words(a_job(state=State.REMOTE, request=request)).where == "Acme · Pro"


@pytest.mark.parametrize("answer", CancelAnswer)
def test_every_answer_to_a_cancel_is_told(answer: CancelAnswer) -> None:
    said = words(a_job(state=State.REMOTE, cancel_requested_at=NOW, cancel_answer=answer))

    assert said.detail == text.cancel_answer(answer)
    assert said.state.startswith("Cancelling") is (answer in {CancelAnswer.STOPPED, CancelAnswer.ASKED})


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (CancelAnswer.STOPPED, "It had not begun."),
        (CancelAnswer.ASKED, "It had begun when it was told to stop."),
        (None, ""),
    ],
)
def test_a_cancelled_job_tells_how_far_it_had_come(answer: CancelAnswer | None, detail: str) -> None:
    assert words(a_job(state=State.REMOTE_CANCELLED, cancel_answer=answer)).detail == detail


def test_a_take_that_came_in_spite_of_a_cancel_says_so() -> None:
    assert "cancelled too late" in words(replace(DONE, cancel_requested_at=NOW)).foot


async def test_the_line_of_the_provider_stays_one_line_and_tells_the_rest_in_its_tooltip(desk: Desk) -> None:
    await desk.start()
    line = "IN_PROGRESS · Loading the weights of a very large model into the memory of the seventh worker"

    desk.studio.queue.tell(a_job(state=State.REMOTE, remote_status=line))
    await desk.settle()
    note = desk.window.takes.cards()[0]._note

    assert note.isVisible()
    assert note.height() < 2 * note.fontMetrics().height()
    assert note.toolTip() == line.replace("IN_PROGRESS", "In progress")


async def test_what_cannot_be_cancelled_says_what_happens_and_asks_nobody(desk: Desk) -> None:
    desk.studio.providers = (PAID, BARE, FREE)
    desk.studio.accounts.live[BARE.id] = None
    await desk.start()
    desk.studio.queue.tell(a_job(state=State.REMOTE, request=a_request(provider=BARE.id)))
    card = desk.window.takes.cards()[0]

    QTest.keyClick(card, Qt.Key.Key_Delete)
    said, buttons = card._detail.text(), [button.text() for button in card._buttons.findChildren(QPushButton)]
    card._press(LET_RUN)

    assert said == BARE.cancel_note
    assert buttons == [LET_RUN]
    assert desk.studio.queue.asked == []
    assert not card._detail.isVisible()
    assert card._cancel.toolTip() == BARE.cancel_note


def test_what_was_interrupted_can_go_on_or_be_given_up_and_what_was_stopped_reserves_nothing() -> None:
    interrupted = words(a_job(state=State.DRAFT, problem=Problem(kind=Kind.INTERRUPTED)))
    stopped = words(a_job(state=State.DRAFT, problem=Problem(kind=Kind.STOPPED)))

    assert interrupted.acts == (Act.TRY_AGAIN, Act.STOP)
    assert stopped.acts == (Act.RUN_AGAIN,)


async def test_before_it_is_sent_it_can_be_stopped_at_every_provider(desk: Desk) -> None:
    desk.studio.providers = (PAID, BARE, FREE)
    desk.studio.accounts.live[BARE.id] = None
    await desk.start()
    desk.studio.queue.tell(a_job(state=State.UPLOADING, request=a_request(provider=BARE.id)))
    card = desk.window.takes.cards()[0]

    card._cancel.click()

    assert card._cancel.toolTip() == "Stop before it is sent; that costs nothing"
    assert desk.studio.queue.asked == [("cancel", "job-1")]


# --- the reply as it came ----------------------------------------------------------------------------------------------

REPLY = '{"detail":[{"type":"video_too_short","loc":["body","video_url"]}]}'
REFUSED = a_job(
    state=State.REJECTED, problem=Problem(kind=Kind.INPUT_NOT_ACCEPTED, detail="video_too_short", raw=REPLY)
)


async def test_the_reply_is_one_press_away_selectable_and_can_be_copied(desk: Desk) -> None:
    desk.studio.queue.kept["job-1"] = REFUSED
    await desk.start()
    details = desk.window.takes.cards()[0].details
    was_open = details.is_open

    details.toggle.click()
    await desk.settle()
    field = details._words
    assert field is not None
    details.copy.click()

    assert not was_open
    assert field.toPlainText() == REPLY
    assert field.isReadOnly()
    assert field.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByKeyboard
    assert field.accessibleName() == "Details"
    assert REPLY in QGuiApplication.clipboard().text()
    assert "not charged" in QGuiApplication.clipboard().text()
    assert details.copy.text() == "Copied"


async def test_the_keyboard_opens_the_reply_goes_through_it_and_leaves_it(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(REFUSED)
    await desk.settle()
    details = desk.window.takes.cards()[0].details
    details.toggle.setFocus()

    QTest.keyClick(details.toggle, Qt.Key.Key_Space)
    await desk.settle()
    reached = []
    for _ in range(3):
        QTest.keyClick(QApplication.focusWidget() or details, Qt.Key.Key_Tab)
        reached.append(QApplication.focusWidget())

    assert reached[:2] == [details.copy, details._words]
    assert reached[2] not in (details.copy, details._words, details.toggle)


async def test_a_problem_without_a_reply_has_nothing_to_open(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(a_job(state=State.REMOTE_FAILED, problem=Problem(kind=Kind.EDIT_FAILED)))

    assert not desk.window.takes.cards()[0].details.isVisible()


async def test_the_bar_of_messages_has_the_reply_too(desk: Desk) -> None:
    await desk.start()

    desk.models.problems.show(Problem(kind=Kind.UPLOAD_REFUSED, detail="413", raw="<html>413</html>"))
    details = desk.window.messages.details
    assert details is not None
    shown = details.isVisible(), details.text
    desk.models.problems.show(Problem(kind=Kind.DISK_FULL))

    assert shown == (True, "<html>413</html>")
    assert not details.isVisible()


async def test_the_copied_details_of_a_job_hold_the_reply(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(REFUSED)

    desk.window.takes.cards()[0]._press(Act.COPY_DETAILS)

    assert REPLY in QGuiApplication.clipboard().text()


# --- uploaded copies -----------------------------------------------------------------------------------------------------

UPLOADED = replace(
    DONE,
    assets=(
        Asset(subject="source", url="https://example.org/a.mp4", place="/clips/a.mp4", host="acme"),
        Asset(subject="image:1", url="https://example.org/b.png", place="/clips/b.png", host="acme"),
    ),
)


async def test_uploaded_copies_are_deleted_after_a_second_press_and_the_outcome_is_told(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(UPLOADED)
    card = desk.window.takes.cards()[0]

    card._press(Act.DELETE_COPIES)
    question, asked_before = card._detail.text(), list(desk.studio.queue.asked)
    card._press(DELETE)
    await desk.until(lambda: desk.window.toast.words == "2 uploaded copies deleted at Acme")

    assert asked_before == []
    assert question == "Delete the clip and pictures that were uploaded to Acme? The take stays."
    assert desk.studio.queue.asked == [("delete_copies", "job-1")]
    assert Act.DELETE_COPIES not in [action.data() for action in card.menu().actions()]


@pytest.mark.parametrize(
    "job",
    [
        replace(UPLOADED, state=State.REMOTE, take=None),
        replace(UPLOADED, request=a_request(provider=FREE.id)),
        replace(UPLOADED, assets=tuple(replace(one, place=one.url, host="") for one in UPLOADED.assets)),
        DONE,
    ],
    ids=["still needed", "cannot be deleted there", "the person's own addresses", "nothing uploaded"],
)
async def test_copies_are_offered_for_deletion_only_where_that_can_be_done(desk: Desk, job: Job) -> None:
    await desk.start()
    desk.studio.queue.tell(job)

    assert Act.DELETE_COPIES not in [action.data() for action in desk.window.takes.cards()[0].menu().actions()]


async def test_copies_that_cannot_be_deleted_now_say_why(desk: Desk) -> None:
    await desk.start()
    desk.studio.queue.tell(UPLOADED)
    desk.studio.queue.refuses = InputRefused(Kind.COPIES_NEEDED)

    desk.jobs.delete_copies("job-1")
    await desk.until(lambda: desk.window.messages.title == "The uploaded copies are still needed")

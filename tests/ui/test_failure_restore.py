"""The list of edits cannot be used: the window says so, and what is chosen there is done. By keyboard as well."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QListWidget
from pytestqt.qtbot import QtBot

from klingstudio import app
from klingstudio.domain.errors import Kind, Problem
from klingstudio.paths import paths
from klingstudio.store.backups import Backup, back_up
from klingstudio.store.database import open_database
from klingstudio.store.rescue import Rescue, Way
from klingstudio.studio import read_jobs
from klingstudio.ui.models.bundle import Models
from klingstudio.ui.theme import Theme
from klingstudio.ui.window import Window
from klingstudio.ui.window.failure import EMPTY, EMPTY_SURE, KEEP, OTHERS, FailurePage
from tests.fakes.journals import a_job, content_of, fill

NOW = datetime.now(UTC)
BACKUPS = tuple(
    Backup(path=Path(f"/b/{n}"), made_at=NOW.replace(hour=12, minute=31) - timedelta(days=n + 1), jobs=12 - n)
    for n in range(3)
)
ALTERED = Problem(kind=Kind.DATABASE_ALTERED, detail="its last 3 changes are missing")


@pytest.fixture
def looks(qapp: QApplication) -> Theme:
    return Theme(qapp)


@pytest.fixture
def window(qtbot: QtBot, looks: Theme) -> Window:
    made = Window(Models(), looks)
    qtbot.addWidget(made)
    made.show()
    return made


def page_of(window: Window) -> FailurePage:
    page = window.findChild(FailurePage)
    assert isinstance(page, FailurePage)
    return page


def shown(window: Window, problem: Problem, rescue: Rescue) -> FailurePage:
    window.show_failure(problem, rescue)
    return page_of(window)


def test_the_page_offers_the_newest_backup_by_its_day_and_number_of_edits(window: Window, qtbot: QtBot) -> None:
    page = shown(window, ALTERED, Rescue(ways=(Way.BACKUP, Way.KEEP), backups=BACKUPS))

    first, others, keep = page.ways
    at = BACKUPS[0].made_at.astimezone()
    assert first.text() == f"Restore the backup of {at.day} {at:%b %H:%M}, 12 edits"
    assert (others.text(), keep.text()) == (OTHERS, KEEP)
    assert [action.text().partition(", ")[2] for action in others.menu().actions()] == ["11 edits", "10 edits"]
    with qtbot.waitSignal(window.way_wanted, timeout=1000) as chosen:
        first.click()
    assert chosen.args == [Way.BACKUP, BACKUPS[0].path]


def test_an_older_backup_can_be_chosen(window: Window, qtbot: QtBot) -> None:
    page = shown(window, ALTERED, Rescue(ways=(Way.BACKUP,), backups=BACKUPS))

    with qtbot.waitSignal(window.way_wanted, timeout=1000) as chosen:
        page.ways[1].menu().actions()[1].trigger()

    assert chosen.args == [Way.BACKUP, BACKUPS[2].path]


def test_a_screen_reader_is_told_what_happened_and_what_each_way_means(window: Window) -> None:
    page = shown(window, ALTERED, Rescue(ways=(Way.BACKUP, Way.KEEP), backups=BACKUPS[:1], jobs=(a_job("x", NOW),)))

    assert page.accessibleName() == "The list of your edits is not as it was left"
    said = page.accessibleDescription()
    for words in ("its last 3 changes are missing", "every provider with a key is asked", "set aside, never deleted"):
        assert words in said
    (rows,) = page.findChildren(QListWidget)
    assert rows.accessibleName() == "What can be read in it: 1 edit"
    assert rows.count() == 1


def test_every_way_is_reached_by_keyboard_and_the_focus_begins_where_nothing_is_decided(
    window: Window, qtbot: QtBot
) -> None:
    page = shown(window, ALTERED, Rescue(ways=(Way.BACKUP, Way.KEEP), backups=BACKUPS[:1]))
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is page.retry)

    reached = []
    for _ in range(2):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab, Qt.KeyboardModifier.ShiftModifier)
        reached.append(QApplication.focusWidget())

    assert reached == page.ways[::-1]
    with qtbot.waitSignal(window.way_wanted, timeout=1000) as chosen:
        qtbot.keyClick(reached[-1], Qt.Key.Key_Space)
    assert chosen.args == [Way.BACKUP, BACKUPS[0].path]


def test_an_empty_list_takes_two_presses_and_an_explanation(window: Window, qtbot: QtBot) -> None:
    page = shown(window, Problem(kind=Kind.DATABASE_GONE), Rescue(ways=(Way.EMPTY,)))
    (button,) = page.ways
    assert button.text() == EMPTY
    assert "your takes stay where they are" in page.accessibleDescription()

    with qtbot.assertNotEmitted(window.way_wanted):
        button.click()
    assert button.text() == EMPTY_SURE
    with qtbot.waitSignal(window.way_wanted, timeout=1000) as chosen:
        button.click()

    assert chosen.args == [Way.EMPTY, None]


def test_where_only_the_disk_is_in_the_way_the_edits_are_shown_and_nothing_is_offered(window: Window) -> None:
    jobs = tuple(a_job(f"job-{n}", NOW) for n in range(12))

    page = shown(window, Problem(kind=Kind.DISK_FULL), Rescue(jobs=jobs))

    assert page.ways == []
    (rows,) = page.findChildren(QListWidget)
    assert rows.count() == 12
    assert rows.height() < page.height()


async def test_the_program_restores_what_was_chosen_and_goes_on(home: Path, qtbot: QtBot, looks: Theme) -> None:
    folders = paths({"KLINGSTUDIO_HOME": str(home)})
    database = open_database(folders.database)
    fill(database, 6)
    back_up(folders.database)
    wanted = {row[0] for row in database.read("SELECT id FROM job")}
    database.close()
    folders.database.write_bytes(folders.database.read_bytes()[:9000])
    window = Window(Models(), looks)
    qtbot.addWidget(window)
    window.show()

    life = asyncio.create_task(app.main(window, window._models, demo=False))
    page = await a_page(window)
    assert page.accessibleName() == "The list of your edits is damaged"
    page.ways[0].click()
    async with asyncio.timeout(30):
        while not window._models.jobs.ids():
            await asyncio.sleep(0.02)
    assert set(window._models.jobs.ids()) == wanted
    assert window.findChild(FailurePage) is None or not page.isVisible()
    window.close()
    await life

    assert {job.id for job in read_jobs(folders)} == wanted
    assert len(list(folders.data.glob("set-aside-*"))) == 1


async def test_a_backup_that_went_bad_meanwhile_is_told_and_the_page_stays(
    home: Path, qtbot: QtBot, looks: Theme
) -> None:
    folders = paths({"KLINGSTUDIO_HOME": str(home)})
    database = open_database(folders.database)
    fill(database, 3)
    made = back_up(folders.database)
    database.close()
    before = content_of(folders.database)
    whole = folders.database.read_bytes()
    folders.database.write_bytes(whole[:9000])
    window = Window(Models(), looks)
    qtbot.addWidget(window)
    window.show()

    life = asyncio.create_task(app.main(window, window._models, demo=False))
    page = await a_page(window)
    assert made is not None
    made.write_bytes(b"")
    page.ways[0].click()
    async with asyncio.timeout(30):
        while (again := window.findChild(FailurePage)) is None or again is page or not again.isVisible():
            await asyncio.sleep(0.02)
    # The person finds the right file elsewhere.
    assert folders.database.read_bytes() == whole[:9000]
    folders.database.write_bytes(whole)
    again.retry.click()
    async with asyncio.timeout(30):
        while not window._models.jobs.ids():
            await asyncio.sleep(0.02)
    window.close()
    await life

    assert {row[0] for row in before["job"]} == {job.id for job in read_jobs(folders)}


async def a_page(window: Window) -> FailurePage:
    async with asyncio.timeout(30):
        while window.findChild(FailurePage) is None:
            await asyncio.sleep(0.02)
    return page_of(window)

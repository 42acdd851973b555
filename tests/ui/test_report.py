"""What a person may send to whoever helps: shown first, complete enough to help, and with nothing private in it."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest
import pytest_asyncio
from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction, QGuiApplication

from klingstudio import diagnostics, logs
from klingstudio.diagnostics import Around
from klingstudio.domain.job import State
from klingstudio.paths import paths
from klingstudio.ui.dialogs.report import COPIED, ReportDialog
from tests.fakes.command_line import command_line
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import KEY, Watch, a_clip, a_request, a_studio, environ_of
from tests.torture.secrets import scan_bytes
from tests.ui.conftest import Desk

PROMPT = "my aunt Ottilie wears a crown"
NAME = "holiday with Ottilie.mp4"


@pytest_asyncio.fixture
async def used(home: Path, sandbox: Sandbox, tmp_path: Path) -> Path:
    """A data folder with a finished edit, an edit that was refused, and a log that says more than it should."""
    end = logs.start(home / "logs")
    clip = a_clip(tmp_path / NAME)
    async with a_studio(home, sandbox) as studio:
        watch = Watch(studio)
        (done,) = studio.queue.enqueue(a_request(clip, prompt=PROMPT))
        await watch.until(done.id, lambda job: job.state is State.COMPLETED)
        sandbox.faults([{"call": "submit", "kind": "status", "code": 400}])
        (refused,) = studio.queue.enqueue(a_request(clip, prompt=f"{PROMPT} 2"))
        await watch.until(refused.id, lambda job: job.problem is not None and not job.is_active)
    log = logging.getLogger("klingstudio.tests")
    log.info("it said: %r cannot be read, and neither %s nor Bearer %s", str(clip), NAME, KEY)
    log.info("the words %r are refused at https://a.example/x?sig=%s", PROMPT, KEY)
    end()
    return home


def test_it_says_what_helps_and_nothing_private(used: Path) -> None:
    words = diagnostics.report(paths({"KLINGSTUDIO_HOME": str(used)}), Around(keys={"oxen": "keychain"}))

    for wanted in ("version: ", "FFmpeg: ", "SQLite: ", "oxen: keychain", "state: whole", "completed: 1", "MB free"):
        assert wanted in words, wanted
    assert "request_rejected, charged: no" in words
    assert "submitting → remote" in words, "the last lines of the log"
    assert scan_bytes("report", words.encode(), [KEY]) == []
    for private in ("Ottilie", "holiday", "crown", str(used), "a.example/x?sig=canary"):
        assert private not in words, private


def test_names_of_files_are_in_it_only_where_that_is_wanted(used: Path) -> None:
    words = diagnostics.report(paths({"KLINGSTUDIO_HOME": str(used)}), Around(keys={}), with_names=True)

    assert NAME in words
    assert "crown" not in words, "a prompt is never in it"


@pytest.mark.parametrize("harm", ["damaged", "newer", "none", "a folder"])
def test_it_can_be_had_whatever_became_of_the_journal(home: Path, harm: str) -> None:
    where = paths({"KLINGSTUDIO_HOME": str(home)})
    where.data.mkdir(parents=True)
    match harm:
        case "damaged":
            where.database.write_bytes(b"SQLite format 3\0" + b"\xff" * 9000)
        case "newer":
            journal = sqlite3.connect(where.database)
            journal.execute("CREATE TABLE t (x)")
            journal.execute("PRAGMA user_version = 99")
            journal.commit()
            journal.close()
        case "a folder":
            where.database.mkdir()
        case _:
            pass

    words = diagnostics.report(where, Around(keys={}))

    assert "== Journal\nstate: " in words
    assert "state: whole" not in words
    assert "Python: " in words


def test_it_can_be_had_without_the_window(used: Path, sandbox: Sandbox) -> None:
    with command_line(environ_of(used, sandbox)) as run:
        done = run("report")
        named = run("report", "--with-names")

    assert (done.returncode, done.stderr) == (0, "")
    assert "oxen: environment" in done.stdout
    assert "state: whole" in done.stdout
    assert NAME not in done.stdout
    assert NAME in named.stdout
    assert scan_bytes("report", (done.stdout + named.stdout).encode(), [KEY]) == []


async def test_it_is_shown_before_it_is_copied_and_saved(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    line = next(action for action in desk.window.findChildren(QAction) if action.text() == "Copy report…")
    line.trigger()
    dialog = desk.window.findChild(ReportDialog)
    assert dialog is not None
    await desk.until(dialog.copy.isEnabled)

    assert "== Kling Studio\nversion: " in dialog.words.toPlainText()
    assert f"{desk.studio.providers[0].id}: " in dialog.words.toPlainText()
    assert "screen: " in dialog.words.toPlainText()
    assert QGuiApplication.clipboard().text() == "", "not before it is wanted"
    dialog.copy.click()
    dialog.save_to(tmp_path / "report.txt")
    assert QGuiApplication.clipboard().text() == dialog.words.toPlainText()
    assert dialog.copy.text() == COPIED
    assert (tmp_path / "report.txt").read_text("utf-8") == dialog.words.toPlainText()


async def test_a_report_that_cannot_be_saved_is_said(desk: Desk, tmp_path: Path) -> None:
    await desk.start()
    desk.window.dialogs.report()
    dialog = desk.window.findChild(ReportDialog)
    assert dialog is not None
    await desk.until(dialog.copy.isEnabled)

    dialog.save_to(tmp_path / "missing" / "report.txt")

    assert "report.txt" in desk.window.messages.hint or desk.window.messages.title
    QTimer.singleShot(0, dialog.close)
    await desk.settle()


@pytest.mark.log_ok
async def test_an_unexpected_error_that_quotes_a_key_is_shown_and_copied_without_it(desk: Desk) -> None:
    await desk.start()
    logs.conceal(KEY)

    desk.models.problems.report("a slot", ValueError(f"Illegal header value b'Bearer {KEY}'"))

    assert desk.window.messages.title == "Something unexpected happened"
    assert "Illegal header value" in desk.window.messages.hint
    assert KEY not in desk.window.messages.hint + desk.window.messages._copied

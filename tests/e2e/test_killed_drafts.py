"""The program is killed while somebody writes in its window; what was written is there at the next start."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from klingstudio import app
from klingstudio.domain.job import Job, State
from klingstudio.store.database import open_database
from klingstudio.store.settings import Settings
from klingstudio.ui.models.bundle import Models
from klingstudio.ui.theme import Theme
from klingstudio.ui.window import Window
from tests.fakes.sandbox import ROOT, Sandbox
from tests.fakes.studio_run import a_clip, environ_of

PROMISED_S = 0.5
SLACK_S = 0.3
"""Test machines are shared, and late."""

WRITER = """
import json, sys
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from klingstudio import app
from klingstudio.ui.window import Window

# What a person does, one step of an open window's loop each.
steps = json.loads(sys.argv[1])
state = {"at": 0}

def tell(word):
    print(word, flush=True)

def press(window, keys):
    if keys == "Ctrl+N":
        QTest.keyClick(window, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    elif keys == "Generate":
        if not window.generate.readiness().ok:
            return False
        QTest.keyClick(window.prompt.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    elif keys == "sent":
        jobs = window._models.jobs
        return any(jobs.job(id).remote_id is not None for id in jobs.ids())
    else:
        window.prompt.edit.setFocus()
        QTest.keyClicks(window.prompt.edit, keys)
    return True

def step():
    windows = [one for one in QApplication.topLevelWidgets() if isinstance(one, Window)]
    if not windows or not getattr(windows[0], "_is_furnished", False) or not windows[0]._models.draft.is_attached:
        return
    if state["at"] < len(steps) and press(windows[0], steps[state["at"]]):
        state["at"] += 1
        tell(state["at"])

QApplication([])
timer = QTimer()
timer.timeout.connect(step)
timer.start(10)
app.run(sys.argv[2:], demo=False)
"""


class Writer:
    """The window as `klingstudio` opens it, in a process of its own, and somebody who writes in it."""

    def __init__(self, environ: dict[str, str], steps: list[str], *files: Path) -> None:
        self.steps = steps
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, json.dumps(steps), *map(str, files)],
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, step: int) -> None:
        """Wait for so many of the steps."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if int(line) == step:
                return
        assert self.process.stderr is not None
        raise AssertionError(self.process.stderr.read())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def environ(home: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in environ_of(home, sandbox).items():
        monkeypatch.setenv(name, value)
    (home / "data").mkdir(parents=True)
    database = open_database(home / "data" / "studio.sqlite3")
    Settings(database).update(provider="oxen", send_grace=False)
    database.close()
    return dict(os.environ)


@asynccontextmanager
async def the_next_start(application: QApplication) -> AsyncIterator[Models]:
    models = Models()
    window = Window(models, Theme(application))
    window.show()
    main = asyncio.ensure_future(app.main(window, models, demo=False))
    try:
        async with asyncio.timeout(60):
            while not models.draft.is_attached:
                if main.done():
                    main.result()
                await asyncio.sleep(0.02)
        yield models
    finally:
        window.close()
        async with asyncio.timeout(20):
            await main
        window.deleteLater()


def integrity(home: Path) -> Any:
    journal = sqlite3.connect(f"file:{home / 'data' / 'studio.sqlite3'}?mode=ro", uri=True)
    try:
        return journal.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        journal.close()


async def test_half_a_second_after_the_last_letter_a_killed_program_has_it_all(
    qapp: QApplication, environ: dict[str, str], home: Path, tmp_path: Path
) -> None:
    clip = a_clip(tmp_path / "clip.mp4")
    writer = Writer(environ, ["Make it snow", "Ctrl+N", "and then ", "night"], clip)
    try:
        writer.until(len(writer.steps))
        # Nothing tells when it is safe: that it is safe by now is the promise.
        time.sleep(PROMISED_S + SLACK_S)
    finally:
        writer.kill()

    assert integrity(home) == "ok"
    async with the_next_start(qapp) as models:
        drafts = [models.drafts.value(draft_id) for draft_id in models.drafts.ids]
        assert [(draft.source, draft.text) for draft in drafts] == [(str(clip), "Make it snow"), ("", "and then night")]
        assert models.draft.prompt == "and then night"


@pytest.mark.timeout(200)
async def test_killed_in_the_middle_of_a_word_at_most_half_a_second_is_gone_and_the_paid_job_goes_on(
    qapp: QApplication, environ: dict[str, str], home: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults([{"call": "poll", "kind": "slow", "seconds": 1, "times": 3}])
    clip = a_clip(tmp_path / "clip.mp4")
    letters = list("and keep the walker as she is " * 20)
    steps = ["Make it snow ", "Generate", "sent", *letters]
    writer = Writer(environ, steps, clip)
    told: dict[int, float] = {}
    try:
        writer.until(3)
        began = time.monotonic()
        at = 3
        while time.monotonic() < began + 3 * PROMISED_S:
            at += 1
            writer.until(at)
            told[at] = time.monotonic()
    finally:
        writer.kill()
    killed = max(told.values())
    safe = [at for at, when in told.items() if when < killed - PROMISED_S - SLACK_S]

    assert integrity(home) == "ok"
    async with the_next_start(qapp) as models:
        assert safe
        assert models.draft.prompt.startswith("Make it snow " + "".join(letters[: max(safe) - 3]))

        def job() -> Job:
            (job_id,) = models.jobs.ids()
            return models.jobs.job(job_id)

        async with asyncio.timeout(100):
            while job().state is not State.COMPLETED:
                await asyncio.sleep(0.02)
        assert job().request.prompt == "Make it snow "
    assert len(sandbox.requests("POST", "/api/ai/queue")) == 1

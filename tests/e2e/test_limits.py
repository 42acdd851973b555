"""The person's limits hold for the command line too, and through a kill: what was reserved is read from the journal."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path

import pytest

from klingstudio.domain.budget import Cap
from klingstudio.paths import paths
from klingstudio.store.database import open_database
from klingstudio.store.settings import Settings
from tests.fakes.command_line import CommandLine, lines, until_state
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import a_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


def limit(home: Path, day: str) -> None:
    """What the settings of the window do."""
    database = open_database(paths({"KLINGSTUDIO_HOME": str(home)}).database)
    Settings(database).update(caps=(Cap(currency="USD", day=Decimal(day)),))
    database.close()


def test_what_was_out_when_the_program_was_killed_stays_reserved(
    home: Path, run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    limit(home, "2.00")
    edit = ("edit", str(clip), "--prompt", "deep snow", "--max-cost", "1.10", "--json")
    sandbox.faults([{"call": "submit", "kind": "hang", "effect": True}])
    first = run.start(*edit)
    until_state(first, "submitting")
    first.kill()
    first.wait()

    second = run(*edit)
    planned = run("edit", str(clip), "--prompt", "deep snow", "--dry-run", "--json")
    listed = run("jobs")

    (end,) = lines(second.stdout)
    assert (second.returncode, end["job"], end["error"]["kind"], end["error"]["charged"]) == (
        5,
        None,
        "over_budget",
        "no",
    )
    assert "today $1.10 of $2.00 is booked" in second.stderr
    (budget,) = lines(planned.stdout)[0]["budget"]
    assert (budget["period"], budget["reserved"]["amount"], budget["fits"]) == ("day", "1.10", False)
    assert len(listed.stdout.splitlines()) == 1
    assert "Today $1.10 of $2.00. $1.10 of it is reserved until it is known what was charged." in listed.stderr
    assert len(sandbox.requests("POST", "/api/ai/queue")) <= 1


def test_an_edit_without_a_cap_of_its_own_reserves_its_estimate_and_is_settled_with_its_charge(
    home: Path, run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    limit(home, "1.01")

    done = run("edit", str(clip), "--prompt", "deep snow")
    refused = run("edit", str(clip), "--prompt", "deep snow")

    assert (done.returncode, refused.returncode) == (0, 5)
    assert len(sandbox.ledger()) == 1
    with sqlite3.connect(paths({"KLINGSTUDIO_HOME": str(home)}).database) as journal:
        assert journal.execute("SELECT count(*) FROM job").fetchall() == [(1,)]
    journal.close()

"""`klingstudio restore`: a damaged list is put back without a window, and nothing is charged twice by that."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from klingstudio.paths import paths
from klingstudio.store.backups import back_up
from tests.fakes.command_line import CommandLine, lines
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import a_clip


@pytest.fixture
def journal(home: Path) -> Path:
    return paths({"KLINGSTUDIO_HOME": str(home)}).database


def cut(journal: Path) -> None:
    journal.write_bytes(journal.read_bytes()[:9000])


def test_a_list_in_order_is_left_alone(run: CommandLine, journal: Path) -> None:
    listed = run("restore", "--json")
    refused = run("restore", "newest")

    assert (listed.returncode, listed.stdout) == (0, "")
    assert refused.returncode == 2
    assert "the list of edits is in order" in refused.stderr


def test_a_damaged_list_is_restored_and_what_was_ordered_since_is_found_and_charged_once(
    run: CommandLine, home: Path, journal: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    clip = a_clip(tmp_path / "street.mp4")
    assert run("edit", str(clip), "--prompt", "deep snow", "--yes").returncode == 0
    assert back_up(journal) is not None
    assert run("edit", str(clip), "--prompt", "deep night", "--yes").returncode == 0
    cut(journal)

    told = run("edit", str(clip), "--prompt", "sepia", "--yes")
    listed = run("restore", "--json")
    restored = run("restore", "newest", "--json")
    resumed = run("resume", "--json")
    jobs = lines(run("jobs", "--json").stdout)

    assert told.returncode == 2
    assert "The list of your edits is damaged" in told.stderr
    assert "`klingstudio restore`" in told.stderr
    assert listed.returncode == 2
    assert [one["edits"] for one in lines(listed.stdout) if "backup" in one] == [1]
    assert restored.returncode == 0
    (line,) = lines(restored.stdout)
    assert (Path(line["set_aside"]) / journal.name).stat().st_size == 9000
    assert resumed.returncode == 0, resumed.stderr
    found = [one for one in lines(resumed.stdout) if one["event"] == "found"]
    assert sum(one["edits"] for one in found) == 1
    assert [one["state"] for one in jobs] == ["completed", "completed"]
    assert len(sandbox.ledger()) == 2


def test_an_empty_list_is_offered_only_where_there_is_no_backup(run: CommandLine, journal: Path) -> None:
    run("resume")
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as looked:
        assert looked.execute("SELECT count(*) FROM job").fetchone() == (0,)
    looked.close()
    assert back_up(journal) is not None
    journal.unlink()

    refused = run("restore", "empty")
    for one in journal.with_name("backups").iterdir():
        one.unlink()
    unknown = run("restore", "newest")
    begun = run("restore", "empty")
    after = run("jobs")

    assert refused.returncode == 2
    assert not list(journal.parent.glob("set-aside-*")) or begun.returncode == 0
    assert unknown.returncode == 2
    assert begun.returncode == 0
    assert after.stdout == "No jobs yet.\n"

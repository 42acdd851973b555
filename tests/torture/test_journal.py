"""The journal under damage and kills, in short; the long version is a part of `dev.py torture`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from io import FileIO
from pathlib import Path

import pytest

from klingstudio.store import examine
from klingstudio.store.seal import digest_of, read_seal
from tests.torture import journal
from tests.torture.parts import Stint

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills processes by signal")


@pytest.mark.log_ok
def test_every_kind_of_damage_is_harmless_or_told_and_restorable() -> None:
    verdict = journal.run(Stint(seed=7), cases=41, jobs=40)

    assert verdict.violations == ()
    assert verdict.counts["kinds of damage"] == len(journal.HARMS | journal.HARMS_OF_A_LOG)
    assert verdict.counts["cases"] == 41


@pytest.mark.log_ok
def test_a_program_that_does_not_look_at_the_seal_is_caught(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed, _ = journal.originals(tmp_path, 40)
    monkeypatch.setattr(examine, "digest_of", _whatever_the_seal_says(digest_of))

    ends = [journal.case(closed, "one bit", seed, tmp_path / f"case-{seed}")[0] for seed in range(8)]

    assert "silent" in ends


def _whatever_the_seal_says(real: Callable[[FileIO], str]) -> Callable[[FileIO], str]:
    def digest(file: FileIO) -> str:
        seal = read_seal(Path(str(file.name)))
        return seal.digest if seal is not None and seal.digest else real(file)

    return digest


def test_no_kill_while_the_journal_is_copied_replaced_or_migrated_leaves_none(tmp_path: Path) -> None:
    done = run("-m", "tests.torture.journal_kills", str(tmp_path))

    assert done.returncode == 0, done.stdout + done.stderr
    kills = [int(line.partition(": ")[2].split()[0]) for line in done.stdout.splitlines() if " kills, " in line]
    assert len(kills) == 7
    assert min(kills) >= 8


CARELESS = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.torture.journal_kills import deeds, lives
folder = Path(sys.argv[1])
(deed,) = (one for one in deeds(folder / "originals") if one.name == "empty")

def take_away_first(journal):
    journal.unlink()
    deed.act(journal)

(folder / "lives").mkdir()
print(len(lives(replace(deed, act=take_away_first), folder / "lives")[1]))
"""


def test_a_restore_that_takes_the_old_journal_away_first_is_caught(tmp_path: Path) -> None:
    done = run("-c", CARELESS, str(tmp_path))

    assert int(done.stdout) > 0, done.stderr


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)

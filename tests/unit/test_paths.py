from __future__ import annotations

import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from klingstudio.paths import paths, resource


def test_one_variable_moves_everything_into_one_folder(tmp_path: Path) -> None:
    places = paths({"KLINGSTUDIO_HOME": str(tmp_path / "studio")})

    assert places.data == tmp_path / "studio" / "data"
    assert places.database == tmp_path / "studio" / "data" / "studio.sqlite3"
    assert places.lock.parent == places.data
    for name in ("cache", "logs", "takes", "work", "samples", "frames"):
        assert getattr(places, name).is_relative_to(tmp_path / "studio"), name
    assert not (tmp_path / "studio").exists()


def test_a_relative_home_and_a_tilde_become_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "person"))

    assert paths({"KLINGSTUDIO_HOME": "here"}).data == tmp_path / "here" / "data"
    assert paths({"KLINGSTUDIO_HOME": "~/there"}).data == tmp_path / "person" / "there" / "data"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these are the places of Linux")
def test_without_the_variable_the_system_s_own_places_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("DATA_HOME", "CACHE_HOME", "STATE_HOME", "CONFIG_HOME", "VIDEOS_DIR"):
        monkeypatch.delenv(f"XDG_{name}", raising=False)

    places = paths({"KLINGSTUDIO_HOME": ""})

    assert places.data == tmp_path / ".local/share/klingstudio"
    assert places.cache == tmp_path / ".cache/klingstudio"
    assert places.logs == tmp_path / ".local/state/klingstudio/log"
    assert places.takes == tmp_path / "Videos" / "Kling Studio"
    assert list(tmp_path.iterdir()) == []


def test_importing_and_asking_creates_nothing(tmp_path: Path) -> None:
    script = "import os; from klingstudio import paths, logs, vault; paths.paths({}); paths.paths(os.environ)"

    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
        timeout=30,
    )

    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_paths_are_values() -> None:
    places = paths({"KLINGSTUDIO_HOME": "/tmp/x"})

    assert places == paths({"KLINGSTUDIO_HOME": "/tmp/x"})
    assert [one.name for one in fields(places)] == ["data", "cache", "logs", "takes"]


def test_a_resource_is_found_and_a_wrong_name_is_told() -> None:
    assert resource("icons").is_dir()
    with pytest.raises(FileNotFoundError, match=r"no resource named icons/nothing\.svg"):
        resource("icons/nothing.svg")


@pytest.mark.parametrize("name", ["../pyproject.toml", "/etc/passwd", "icons/../../LICENSE"])
def test_a_resource_never_lies_outside_the_resources(name: str) -> None:
    with pytest.raises(FileNotFoundError):
        resource(name)

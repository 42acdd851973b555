from __future__ import annotations

import sys
from pathlib import Path

import pytest

from klingstudio.disk import sync_folder


def test_a_folder_is_synced(tmp_path: Path) -> None:
    (tmp_path / "take.mp4").touch()

    sync_folder(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no folder is known that cannot be synced")
def test_a_drive_that_cannot_sync_a_folder_is_as_good_as_others() -> None:
    sync_folder(Path("/proc"))


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is synced there")
def test_a_folder_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "gone")

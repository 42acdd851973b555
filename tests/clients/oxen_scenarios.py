"""What Oxen.ai's own client does when it is pointed at the sandbox: `python -m tests.clients.oxen_scenarios NAME HOST FOLDER`.

A process of its own for each, because the client is a compiled library with threads and a configuration in the home folder.
Prints one JSON object: every call with what came of it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

REPO = "ada/their-inputs"
OURS, OUR_FILE = "ada/klingstudio-inputs", "ours.mp4"
"""Where our adapter has put a file before."""
KEY = "theirs-ada"
STRANGER = "theirs-eve"


class Told:
    """Every call of the client and what came of it."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def did(self, name: str, call: Callable[[], Any], show: Callable[[Any], Any] = lambda answer: None) -> Any:
        """Make a call and note what `show` makes of its answer, or its error."""
        try:
            answer = call()
        except Exception as error:  # noqa: BLE001 - whatever the client raises is what is wanted
            self.calls.append({"call": name, "error": str(error)})
            return None
        self.calls.append({"call": name, "answer": show(answer)})
        return answer


# Not plain imports: the client is installed for the tests only, and has no types.
auth: Any = import_module("oxen.auth")
user: Any = import_module("oxen.user")
remote: Any = import_module("oxen.remote_repo")


def owner(told: Told, host: str, folder: Path) -> None:
    """Every call in the order of a repository's life."""
    did = told.did
    did("config_auth", lambda: auth.config_auth(KEY, host=host))
    did("config_user", lambda: user.config_user("Ada", "ada@example.org"))

    film = folder / "film.mp4"
    repo = did("create_repo", lambda: remote.create_repo(REPO, "Clips", True, host, "http"), str)
    did("create_repo again", lambda: remote.create_repo(REPO, "Clips", True, host, "http"), str)
    did("upload", lambda: repo.upload(str(film), "Add a film"))
    did("upload to a folder", lambda: repo.upload(str(film), "Add a film", dst_dir="scenes/winter"))
    did("upload under a name", lambda: repo.upload(str(film), "Add a film", file_name="deep snow.mp4"))
    did("get_repo", lambda: remote.get_repo(REPO, host, "http"), str)
    did("get_repo unknown", lambda: remote.get_repo("ada/nothing", host, "http"), str)
    did("exists", repo.exists, bool)
    did("ls", repo.ls, lambda listing: [entry.filename for entry in listing.entries])
    did(
        "ls of a folder",
        lambda: repo.ls("scenes/winter"),
        lambda listing: [entry.filename for entry in listing.entries],
    )
    did("scan", lambda: list(repo.scan()), len)
    did("file_exists", lambda: repo.file_exists("film.mp4"), bool)
    did("file_exists not", lambda: repo.file_exists("other.mp4"), bool)
    did("metadata", lambda: repo.metadata("film.mp4"), lambda entry: [entry.filename, entry.size, entry.data_type])
    did("get_file", lambda: repo.get_file("film.mp4"), lambda data: bytes(data) == film.read_bytes())
    did("download", lambda: repo.download("film.mp4", str(folder / "back.mp4")))
    did("log", repo.log, lambda commits: [commit.message for commit in commits])
    did("branches", repo.branches, lambda branches: [branch.name for branch in branches])
    did("get_branch", lambda: repo.get_branch("main"), lambda branch: branch.name)
    did("branch_exists", lambda: repo.branch_exists("main"), bool)
    did("branch_exists not", lambda: repo.branch_exists("other"), bool)
    did("delete_file", lambda: repo.delete_file("scenes/winter/film.mp4", "Remove it"))
    did("file_exists after", lambda: repo.file_exists("scenes/winter/film.mp4"), bool)

    mine = did("get_repo of ours", lambda: remote.get_repo(OURS, host, "http"))
    did("ls of ours", mine.ls, lambda listing: [entry.filename for entry in listing.entries])
    did("get_file of ours", lambda: mine.get_file(OUR_FILE), lambda data: bytes(data) == film.read_bytes())

    spare = did("create_repo spare", lambda: remote.create_repo("ada/spare", "", False, host, "http"), str)
    did("delete", spare.delete)
    did("exists after", spare.exists, bool)


def stranger(told: Told, host: str, folder: Path) -> None:
    """Somebody else's key at the same repository."""
    told.did("stranger config_auth", lambda: auth.config_auth(STRANGER, host=host))
    told.did("stranger config_user", lambda: user.config_user("Eve", "eve@example.org"))
    repo = told.did("stranger get_repo", lambda: remote.get_repo(REPO, host, "http"))
    told.did("stranger get_file", lambda: repo.get_file("film.mp4"), len)
    told.did("stranger upload", lambda: repo.upload(str(folder / "film.mp4"), "Add a film"))
    told.did("stranger delete_file", lambda: repo.delete_file("film.mp4", "Remove it"))
    told.did("stranger delete", repo.delete)


if __name__ == "__main__":
    record = Told()
    {"owner": owner, "stranger": stranger}[sys.argv[1]](record, sys.argv[2], Path(sys.argv[3]))
    # The client prints too, so the line is marked.
    print("TOLD", json.dumps(record.calls))

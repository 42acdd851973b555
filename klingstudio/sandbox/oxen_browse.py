"""What the repository half of the Oxen.ai dialect shows of itself: files, folders, branches and history."""

from __future__ import annotations

import mimetypes
import posixpath
from collections.abc import Mapping
from typing import Any

BRANCH = "main"
PAGE = 100


def reply(word: str, **more: Any) -> dict[str, Any]:
    """What every good answer begins with."""
    return {"status": "success", "status_message": word, **more}


def commit_view(commit: Mapping[str, Any]) -> dict[str, Any]:
    """A commit without its files."""
    return {name: value for name, value in commit.items() if name != "tree"}


def branch_view(commit: Mapping[str, Any]) -> dict[str, Any]:
    """The one branch there is."""
    return {"name": BRANCH, "commit_id": commit["id"]}


def resource_view(commit: Mapping[str, Any], revision: str, path: str) -> dict[str, Any]:
    """What an address below a repository stands for."""
    return {
        "workspace": None,
        "commit": commit_view(commit),
        "branch": branch_view(commit) if revision == BRANCH else None,
        "path": path,
        "version": revision,
        "resource": posixpath.join(revision, path) if path else revision,
    }


def entry_view(commit: Mapping[str, Any], revision: str, path: str) -> dict[str, Any] | None:
    """A file or folder by its path; None for what is not there."""
    tree: Mapping[str, Any] = commit["tree"]
    if path in tree:
        mime = mimetypes.guess_type(path)[0] or "application/octet-stream"
        kind = mime.partition("/")[0]
        return {
            "filename": posixpath.basename(path),
            "hash": tree[path]["hash"][:32],
            "is_dir": False,
            "latest_commit": commit_view(commit),
            "resource": resource_view(commit, revision, path),
            "size": tree[path]["size"],
            "data_type": kind if kind in ("video", "image", "audio", "text") else "binary",
            "mime_type": mime,
            "extension": posixpath.splitext(path)[1].removeprefix("."),
            "metadata": None,
            "is_queryable": None,
        }
    below = [place for place in tree if not path or place.startswith(path + "/")]
    if path and not below:
        return None
    return {
        "filename": posixpath.basename(path),
        "hash": commit["id"],
        "is_dir": True,
        "latest_commit": commit_view(commit),
        "resource": resource_view(commit, revision, path),
        "size": sum(tree[place]["size"] for place in below),
        "data_type": "dir",
        "mime_type": "inode/directory",
        "extension": "",
        "metadata": None,
        "is_queryable": None,
    }


def folder_view(commit: Mapping[str, Any], revision: str, path: str, page: int) -> dict[str, Any] | None:
    """What lies in a folder, folders first; None where there is none."""
    folder = entry_view(commit, revision, path)
    if folder is None or not folder["is_dir"]:
        return None
    depth = len(path) + 1 if path else 0
    names = {place[depth:].partition("/")[0] for place in commit["tree"] if not path or place.startswith(path + "/")}
    places = [posixpath.join(path, name) if path else name for name in sorted(names)]
    entries = [entry for place in places if (entry := entry_view(commit, revision, place)) is not None]
    entries.sort(key=lambda entry: not entry["is_dir"])
    return {
        "dir": folder,
        "resource": resource_view(commit, revision, path),
        "metadata": None,
        **paged("entries", entries, page),
    }


def paged(name: str, rows: list[dict[str, Any]], page: int) -> dict[str, Any]:
    """One page of a list."""
    page = max(page, 1)
    return {
        name: rows[(page - 1) * PAGE : page * PAGE],
        "page_size": PAGE,
        "page_number": page,
        "total_pages": max(1, -(-len(rows) // PAGE)),
        "total_entries": len(rows),
    }

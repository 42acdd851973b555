"""The repository half of the Oxen.ai dialect: where local files are put so that the model can read them.

Every commit keeps the whole tree, as a repository does: a deleted file can still be read by an older commit's id.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import posixpath
import time
from datetime import UTC, datetime
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from klingstudio.sandbox.oxen_browse import (
    BRANCH,
    branch_view,
    commit_view,
    entry_view,
    folder_view,
    paged,
    reply,
    resource_view,
)
from klingstudio.sandbox.oxen_replies import Refused, account_of, json_object, json_reply, not_found, refused
from klingstudio.sandbox.state import State, read_json, write_json
from klingstudio.sandbox.uploads import Form, UploadWrong, receive_form
from klingstudio.sandbox.xxh3 import xxh3_128

RESULTS = "generated"
"""Repository name that the results use; nobody else may."""
_VERSION = "0.36.0"


class Repositories:
    """All repositories, kept as one JSON file beside the blobs."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._all: dict[str, dict[str, Any]] = read_json(state.repositories, {})

    def routes(self) -> list[Route]:
        """Every address under `/api/repos`."""
        repo = "/api/repos/{namespace}/{name}"
        return [
            Route("/api/repos", self._create, methods=["POST"]),
            Route(repo, self._show, methods=["GET"]),
            Route(repo, self._remove, methods=["DELETE"]),
            Route(repo + "/revisions/{revision}", self._revision, methods=["GET"]),
            Route(repo + "/meta/{revision}/{path:path}", self._entry, methods=["GET"]),
            Route(repo + "/dir/{revision}", self._folder, methods=["GET"]),
            Route(repo + "/dir/{revision}/{path:path}", self._folder, methods=["GET"]),
            Route(repo + "/branches", self._branches, methods=["GET"]),
            Route(repo + "/branches/{branch}", self._branch, methods=["GET"]),
            Route(repo + "/commits/history/{revision}", self._history, methods=["GET"]),
            Route(repo + "/action/{step}/{action}", self._began, methods=["POST"]),
            Route(repo + "/file/{revision}", self._put, methods=["PUT", "POST"]),
            Route(repo + "/file/{revision}/{path:path}", self._put, methods=["PUT", "POST"]),
            Route(repo + "/file/{revision}/{path:path}", self._read, methods=["GET", "HEAD"]),
            Route(repo + "/file/{revision}/{path:path}", self._delete, methods=["DELETE"]),
        ]

    async def _create(self, request: Request) -> Response:
        account = account_of(request)
        body = await json_object(request)
        namespace, name = body.get("namespace"), body.get("name")
        if not isinstance(namespace, str) or not isinstance(name, str) or not namespace or not name or "/" in name:
            raise refused(400, "bad_request", "Bad request", "namespace and name: Field required")
        key = f"{namespace}/{name}"
        if key in self._all or name == RESULTS:
            raise refused(409, "resource_already_exists", f"Repository already exists: {key}")
        self._all[key] = {
            "namespace": namespace,
            "name": name,
            "owner": account,
            "is_public": body.get("is_public") is True,
            "commits": [],
        }
        self._save()
        return JSONResponse(reply("resource_created", repository=self._view(self._all[key])))

    async def _show(self, request: Request) -> Response:
        return JSONResponse(reply("resource_found", repository=self._view(self._repo(request))))

    async def _revision(self, request: Request) -> Response:
        repo = self._repo(request)
        revision = request.path_params["revision"]
        commit = _commit(repo, revision)
        return JSONResponse(reply("resource_found", resource=resource_view(commit, revision, "")))

    async def _entry(self, request: Request) -> Response:
        revision = request.path_params["revision"]
        commit = _commit(self._repo(request), revision)
        entry = entry_view(commit, revision, request.path_params["path"].strip("/"))
        if entry is None:
            raise not_found()
        if not entry["is_dir"]:
            # Clients check a download by it; the listing of a folder is quick without.
            blob = self._state.blobs / commit["tree"][request.path_params["path"].strip("/")]["blob"]
            entry["hash"] = await asyncio.to_thread(lambda: xxh3_128(blob.read_bytes()))
        return JSONResponse(reply("resource_found", entry=entry))

    async def _folder(self, request: Request) -> Response:
        revision = request.path_params["revision"]
        commit = _commit(self._repo(request), revision)
        folder = folder_view(commit, revision, request.path_params.get("path", "").strip("/"), _page(request))
        if folder is None:
            raise not_found()
        return JSONResponse(reply("resource_found", **folder))

    async def _branches(self, request: Request) -> Response:
        commits = self._repo(request)["commits"]
        return JSONResponse(reply("resource_found", branches=[branch_view(commits[-1])] if commits else []))

    async def _branch(self, request: Request) -> Response:
        repo = self._repo(request)
        if request.path_params["branch"] != BRANCH:
            raise not_found()
        return JSONResponse(reply("resource_found", branch=branch_view(_commit(repo, BRANCH))))

    async def _history(self, request: Request) -> Response:
        repo = self._repo(request)
        newest = repo["commits"].index(_commit(repo, request.path_params["revision"]))
        commits = [commit_view(commit) for commit in reversed(repo["commits"][: newest + 1])]
        return JSONResponse(reply("resource_found", **paged("commits", commits, _page(request))))

    async def _began(self, request: Request) -> Response:
        self._repo(request)
        return JSONResponse(reply("resource_found"))

    async def _remove(self, request: Request) -> Response:
        account = account_of(request)
        repo = self._repo(request)
        if repo["owner"] != account:
            raise refused(403, "forbidden", "You do not have write access to this repository")
        del self._all[_key(request)]
        self._save()
        return JSONResponse(reply("resource_deleted"))

    async def _put(self, request: Request) -> Response:
        account = account_of(request)
        repo = self._repo(request)
        if repo["owner"] != account:
            raise refused(403, "forbidden", "You do not have write access to this repository")
        if request.path_params["revision"] != BRANCH:
            raise not_found()
        try:
            form = await receive_form(request.headers.get("content-type", ""), request.stream(), self._state.blobs)
        except UploadWrong as error:
            raise refused(400, "bad_request", "Bad request", str(error)) from error
        except ClientDisconnect:
            return Response(status_code=499)
        added = _added(form, request.path_params.get("path", ""))
        if not added:
            raise refused(400, "bad_request", "Bad request", "files[]: Field required")
        message = form.fields.get("message") or f"Add {', '.join(added)}"
        commit = self._commit(repo, _tree(repo) | added, message, form.fields, account)
        return JSONResponse(reply("resource_created", commit=commit_view(commit)))

    async def _read(self, request: Request) -> Response:
        repo = self._all.get(_key(request))
        if repo is None:
            raise not_found()
        if not repo["is_public"]:
            self._check_reader(request, repo)
        file = _commit(repo, request.path_params["revision"])["tree"].get(request.path_params["path"])
        if file is None:
            raise not_found()
        return FileResponse(
            self._state.blobs / file["blob"],
            media_type=mimetypes.guess_type(request.path_params["path"])[0] or "application/octet-stream",
        )

    async def _delete(self, request: Request) -> Response:
        account = account_of(request)
        repo = self._repo(request)
        if repo["owner"] != account:
            raise refused(403, "forbidden", "You do not have write access to this repository")
        fields = await self._fields(request)
        tree = _tree(repo)
        if request.path_params["revision"] != BRANCH or tree.pop(request.path_params["path"], None) is None:
            raise not_found()
        message = fields.get("message") or f"Remove {request.path_params['path']}"
        commit = self._commit(repo, tree, message, fields, account)
        return JSONResponse(reply("resource_deleted", commit=commit_view(commit)))

    async def _fields(self, request: Request) -> dict[str, str]:
        """Who removes a file, and why: a form of texts, where there is one."""
        content_type = request.headers.get("content-type", "")
        if not content_type.startswith("multipart/"):
            return {}
        try:
            return (await receive_form(content_type, request.stream(), self._state.blobs)).fields
        except UploadWrong as error:
            raise refused(400, "bad_request", "Bad request", str(error)) from error

    def _repo(self, request: Request) -> dict[str, Any]:
        repo = self._all.get(_key(request))
        if repo is None:
            raise not_found()
        if not repo["is_public"] and repo["owner"] != account_of(request):
            raise not_found()
        return repo

    def _check_reader(self, request: Request, repo: dict[str, Any]) -> None:
        try:
            account = account_of(request)
        except Refused:
            raise refused(403, "forbidden", "You do not have access to this repository") from None
        if account != repo["owner"]:
            raise not_found()

    def _view(self, repo: dict[str, Any]) -> dict[str, Any]:
        return {
            "namespace": repo["namespace"],
            "name": repo["name"],
            "is_public": repo["is_public"],
            "is_empty": not repo["commits"],
            "latest_commit": commit_view(repo["commits"][-1]) if repo["commits"] else None,
            "min_version": _VERSION,
            "storage_kind": "local",
        }

    def _commit(
        self, repo: dict[str, Any], tree: dict[str, Any], message: str, fields: dict[str, str], account: str
    ) -> dict[str, Any]:
        parents = [repo["commits"][-1]["id"]] if repo["commits"] else []
        seed = f"{parents}{message}{sorted(tree.items())!r}{time.time_ns()}"
        commit = {
            "id": hashlib.sha256(seed.encode()).hexdigest()[:32],
            "parent_ids": parents,
            "message": message,
            "author": fields.get("name") or account,
            "email": fields.get("email") or f"{account}@sandbox.invalid",
            "timestamp": datetime.now(UTC).isoformat(),
            "tree": tree,
        }
        repo["commits"].append(commit)
        self._save()
        return commit

    def _save(self) -> None:
        write_json(self._state.repositories, self._all)


async def refuse(_request: Request, error: Exception) -> Response:
    """For starlette: a `Refused` that a handler raised becomes its answer."""
    assert isinstance(error, Refused)
    return json_reply(error)


def _key(request: Request) -> str:
    return f"{request.path_params['namespace']}/{request.path_params['name']}"


def _page(request: Request) -> int:
    text = request.query_params.get("page", "")
    return int(text) if text.isdecimal() else 1


def _tree(repo: dict[str, Any]) -> dict[str, Any]:
    return dict(repo["commits"][-1]["tree"]) if repo["commits"] else {}


def _commit(repo: dict[str, Any], revision: str) -> dict[str, Any]:
    for commit in reversed(repo["commits"]):
        if revision in (BRANCH, commit["id"]):
            return dict(commit)
    raise not_found()


def _added(form: Form, path: str) -> dict[str, Any]:
    """Where each file goes: `files[]` into the folder, `file` to the full path."""
    added: dict[str, Any] = {}
    for file in form.files:
        match file.field:
            case "files[]" | "files":
                place = posixpath.join(path, file.filename)
            case "file":
                place = path
            case _:
                place = ""
        if place := place.strip("/"):
            added[place] = {"blob": file.path.name, "size": file.size_bytes, "hash": file.sha256}
        else:
            file.path.unlink()
    return added

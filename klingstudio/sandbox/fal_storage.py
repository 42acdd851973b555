"""The storage half of the fal.ai dialect: tokens, the CDN that takes files whole or in parts, and the older storage.

Whoever knows the address of a file can read it, without any key.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import re
import secrets
import shutil
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from klingstudio.sandbox.asking import base_of
from klingstudio.sandbox.fal_replies import account_of, json_object, refused
from klingstudio.sandbox.links import Links
from klingstudio.sandbox.state import State

FILES = "/files/u"
SIGNED = "/signed"
"""Where the older storage takes bytes. In the world it is another company's host."""
TOKEN_S = 3600.0
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class _Upload:
    """A file that arrives in parts."""

    blob: str
    etags: dict[int, str] = field(default_factory=dict)


class FileStore:
    """Files by address, and what is on its way to become one."""

    def __init__(self, state: State, links: Links) -> None:
        self._blobs = state.blobs
        self._links = links
        self._tokens: dict[str, float] = {}
        self._uploads: dict[str, _Upload] = {}

    def routes(self) -> list[Route]:
        """Every address of the storage hosts."""
        file = FILES + "/{blob}/{name}"
        part = file + "/multipart/{upload}"
        return [
            Route("/storage/auth/token", self._token, methods=["POST"]),
            Route("/storage/upload/initiate", self._initiate, methods=["POST"]),
            Route(SIGNED + "/{blob}/{name}", self._put, methods=["PUT"]),
            Route("/files/upload", self._upload, methods=["POST"]),
            Route("/files/upload/multipart", self._begin, methods=["POST"]),
            Route(part + "/complete", self._complete, methods=["POST"]),
            Route(part + "/{number:int}", self._part, methods=["PUT"]),
            Route(file, self._read, methods=["GET", "HEAD"]),
        ]

    async def _token(self, request: Request) -> Response:
        account_of(request)
        if request.query_params.get("storage_type") != "fal-cdn-v3":
            raise refused(400, "storage_type must be fal-cdn-v3")
        token, ends = secrets.token_urlsafe(24), time.time() + TOKEN_S
        self._tokens[token] = ends
        return JSONResponse(
            {
                "token": token,
                "token_type": "Bearer",
                "base_url": base_of(request),
                "expires_at": datetime.fromtimestamp(ends, UTC).isoformat(),
            }
        )

    async def _upload(self, request: Request) -> Response:
        self._check_token(request)
        blob = uuid.uuid4().hex
        if await _receive(request, self._path(blob)) is None:
            return Response(status_code=499)
        return JSONResponse({"access_url": self._address(request, blob)})

    async def _begin(self, request: Request) -> Response:
        self._check_token(request)
        blob, upload = uuid.uuid4().hex, uuid.uuid4().hex
        self._uploads[upload] = _Upload(blob)
        return JSONResponse({"access_url": self._address(request, blob), "uploadId": upload})

    async def _part(self, request: Request) -> Response:
        self._check_token(request)
        upload, number = self._begun(request), request.path_params["number"]
        if not 1 <= number <= 10_000:
            raise refused(400, "part numbers go from 1 to 10000")
        digest = await _receive(request, self._path(upload.blob, number))
        if digest is None:
            return Response(status_code=499)
        upload.etags[number] = f'"{digest}"'
        return Response(headers={"ETag": upload.etags[number]})

    async def _complete(self, request: Request) -> Response:
        self._check_token(request)
        upload = self._begun(request)
        listed = (await json_object(request)).get("parts")
        parts = listed if isinstance(listed, list) else []
        # In any order, but all of them, each with its own ETag as it was given, quotes included.
        told = {part.get("partNumber"): part.get("etag") for part in parts if isinstance(part, dict)}
        if not upload.etags or told != upload.etags or sorted(upload.etags) != list(range(1, len(upload.etags) + 1)):
            raise refused(400, "the parts that are listed are not those that arrived")
        await asyncio.to_thread(self._join, upload)
        del self._uploads[request.path_params["upload"]]
        return JSONResponse({})

    async def _initiate(self, request: Request) -> Response:
        account_of(request)
        body = await json_object(request)
        name = body.get("file_name")
        if not isinstance(name, str) or not name:
            raise refused(422, "file_name: Field required")
        blob = uuid.uuid4().hex
        path = f"{SIGNED}/{blob}/{quote(_clean(name))}"
        query = self._links.query(path)
        address = f"{base_of(request)}{FILES}/{blob}/{quote(_clean(name))}"
        return JSONResponse({"upload_url": f"{base_of(request)}{path}?{query}", "file_url": address})

    async def _put(self, request: Request) -> Response:
        # The signature is what opens this; a key that comes along is neither wanted nor looked at.
        path = f"{SIGNED}/{request.path_params['blob']}/{quote(request.path_params['name'])}"
        if not self._links.is_open(path, request.query_params):
            raise refused(403, "SignatureDoesNotMatch")
        digest = await _receive(request, self._path(request.path_params["blob"]))
        return Response(status_code=499 if digest is None else 200)

    async def _read(self, request: Request) -> Response:
        path = self._path(request.path_params["blob"])
        if not _ID.fullmatch(request.path_params["blob"]) or not path.exists():
            raise refused(404, "File not found")
        kind = mimetypes.guess_type(request.path_params["name"])[0] or "application/octet-stream"
        return FileResponse(path, media_type=kind)

    def _check_token(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._tokens.get(token, 0.0) <= time.time():
            raise refused(401, "Invalid or expired token")

    def _begun(self, request: Request) -> _Upload:
        upload = self._uploads.get(request.path_params["upload"])
        if upload is None or upload.blob != request.path_params["blob"]:
            raise refused(404, "Upload not found")
        return upload

    def _join(self, upload: _Upload) -> None:
        whole = self._path(upload.blob, 1)
        with whole.open("ab") as out:
            for number in range(2, len(upload.etags) + 1):
                part = self._path(upload.blob, number)
                with part.open("rb") as file:
                    shutil.copyfileobj(file, out, 1024 * 1024)
                part.unlink()
        whole.replace(self._path(upload.blob))

    def _path(self, blob: str, number: int | None = None) -> Path:
        return self._blobs / (f"fal-{blob}" if number is None else f"fal-{blob}.{number}")

    def _address(self, request: Request, blob: str) -> str:
        name = _clean(request.headers.get("x-fal-file-name") or "upload.bin")
        return f"{base_of(request)}{FILES}/{blob}/{quote(name)}"


async def _receive(request: Request, path: Path) -> str | None:
    """Write the body to disk. Returns its digest, or None where it breaks off; then nothing is left there."""
    digest: Any = hashlib.md5(usedforsecurity=False)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with part.open("wb") as out:
            async for chunk in request.stream():
                out.write(chunk)
                digest.update(chunk)
        part.replace(path)
    except ClientDisconnect:
        return None
    finally:
        part.unlink(missing_ok=True)
    return str(digest.hexdigest())


def _clean(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1] or "upload.bin"

"""Oxen.ai's own client, unchanged, works against the sandbox; and what it uploads serves our edits, and the reverse."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from klingstudio.domain.job import Asset, Remote
from klingstudio.domain.request import Request
from klingstudio.net.api import Api
from klingstudio.net.retry import Patience
from klingstudio.providers import oxen
from klingstudio.providers.base import Finished, Waiting
from tests.fakes.sandbox import ROOT, Sandbox, run_sandbox
from tests.fakes.services import Clip
from tests.fakes.studio_run import a_clip

KEY = "theirs-ada"
"""Without the mark that our own keys have: official clients send theirs to every address that they are given."""
REPO = "ada/their-inputs"

pytestmark = pytest.mark.skipif(find_spec("oxen") is None, reason="oxenai has no wheel for this system")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "0.1") as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    a_clip(folder / "film.mp4")
    return folder


@asynccontextmanager
async def an_oxen(sandbox: Sandbox) -> AsyncIterator[oxen.Oxen]:
    async def at_once(seconds: float) -> None:
        await asyncio.sleep(0.01)

    api = Api(
        hosts={"hub": sandbox.at("oxen")},
        headers=oxen.headers(KEY),
        tls=ssl.create_default_context(),
        patience=Patience(sleep=at_once, random=lambda: 0.5),
    )
    try:
        yield oxen.Oxen(oxen.INFO, api, lambda: datetime.now(UTC))
    finally:
        await api.aclose()


@pytest.fixture(scope="module")
def told(sandbox: Sandbox, folder: Path) -> dict[str, dict[str, Any]]:
    """Every call of the client by its name, and what came of it."""

    async def upload() -> str:
        async with an_oxen(sandbox) as provider:
            return await provider.upload(folder / "film.mp4", "ours.mp4", lambda done, total: None)

    url = asyncio.run(upload())
    assert url.endswith("/api/repos/ada/klingstudio-inputs/file/main/ours.mp4")
    calls = [*_run("owner", sandbox, folder), *_run("stranger", sandbox, folder)]
    return {one["call"]: one for one in calls}


def _run(name: str, sandbox: Sandbox, folder: Path) -> list[dict[str, Any]]:
    home = folder / name
    (home / "config").mkdir(parents=True)
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    host = sandbox.at("oxen").removeprefix("http://")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.clients.oxen_scenarios", name, host, str(folder)],
        cwd=ROOT,
        env=environ | {"HOME": str(home), "OXEN_CONFIG_DIR": str(home / "config")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    (line,) = [line for line in ran.stdout.splitlines() if line.startswith("TOLD ")]
    calls: list[dict[str, Any]] = json.loads(line.removeprefix("TOLD "))
    return calls


REFUSED = {
    "create_repo again": "409",
    "get_repo unknown": "not found",
    "stranger upload": "403",
    "stranger delete_file": "403",
    "stranger delete": "403",
}
"""Calls that the service refuses, and a word of how the client tells it."""


def test_every_call_ends_as_it_does_at_the_service(told: dict[str, dict[str, Any]]) -> None:
    failed = {name: one["error"] for name, one in told.items() if "error" in one}

    assert set(failed) == set(REFUSED), failed
    for name, word in REFUSED.items():
        assert word in failed[name]
    assert len(told) == 38


def test_what_the_client_put_in_is_what_it_sees(told: dict[str, dict[str, Any]], folder: Path) -> None:
    answers = {name: one.get("answer") for name, one in told.items()}
    size = (folder / "film.mp4").stat().st_size

    assert answers["ls"] == ["scenes", "deep snow.mp4", "film.mp4"]
    assert answers["ls of a folder"] == ["film.mp4"]
    assert answers["metadata"] == ["film.mp4", size, "video"]
    assert answers["get_file"] is True
    assert (folder / "back.mp4").read_bytes() == (folder / "film.mp4").read_bytes()
    assert answers["log"] == ["Add a film"] * 3
    assert (answers["exists"], answers["exists after"]) == (True, False)
    assert (answers["file_exists"], answers["file_exists not"], answers["file_exists after"]) == (True, False, False)
    assert (answers["branches"], answers["branch_exists"], answers["branch_exists not"]) == (["main"], True, False)


def test_the_client_reads_what_our_adapter_uploaded(told: dict[str, dict[str, Any]]) -> None:
    assert told["ls of ours"]["answer"] == ["ours.mp4"]
    assert told["get_file of ours"]["answer"] is True


async def test_a_file_that_the_client_uploaded_can_be_edited(told: dict[str, dict[str, Any]], sandbox: Sandbox) -> None:
    url = f"{sandbox.at('oxen')}/api/repos/{REPO}/file/main/deep%20snow.mp4"
    request = Request(source="/clip.mp4", prompt="deep snow", provider="oxen")
    async with an_oxen(sandbox) as provider:
        order = await provider.order(request, [Asset(subject="source", url=url)], Clip())
        (remote_id,) = (await provider.submit(order)).ids
        async with asyncio.timeout(30):
            while isinstance(status := await provider.poll(Remote(id=remote_id)), Waiting):
                await asyncio.sleep(0.1)

    assert isinstance(status, Finished)


def test_the_client_and_our_adapter_upload_and_remove_in_the_same_way(
    told: dict[str, dict[str, Any]], sandbox: Sandbox
) -> None:
    uploads = sandbox.requests("PUT", "/api/repos/ada/")
    shapes = {one["path"].split("/file/")[1] for one in uploads if one["path"].endswith("/file/main/")}
    kinds = {one["headers"]["content-type"].partition(";")[0] for one in uploads}

    assert len(uploads) >= 4
    assert shapes == {"main/"}
    assert kinds == {"multipart/form-data"}
    removal, refused = sandbox.requests("DELETE", f"/api/repos/{REPO}/file/")
    assert refused["headers"]["authorization"] != removal["headers"]["authorization"]
    assert removal["headers"]["content-type"].startswith("multipart/form-data")

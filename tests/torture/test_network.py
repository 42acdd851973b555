"""A few breaks of each line, every stranger of the most usual kinds; `dev.py torture network` does all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from klingstudio.media.worker import MediaWorker
from klingstudio.providers.registry import Entry
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import each_service
from tests.torture.network.certificates import CALLS, meet_servers
from tests.torture.network.certificates import SERVERS as TLS_SERVERS
from tests.torture.network.downloads import SERVERS, Server, cut_downloads, films
from tests.torture.network.strangers import REDIRECTS, fetch_from_strangers, meet
from tests.torture.network.uploads import WAYS, How, cut_uploads

SEED = 20261121


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Its jobs never begin."""
    with run_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "99999") as running:
        yield running


@pytest.mark.parametrize("how", WAYS, ids=lambda how: how.name)
async def test_an_upload_survives_a_line_that_breaks_anywhere(how: How, sandbox: Sandbox, tmp_path: Path) -> None:
    tally = await cut_uploads(how, sandbox, tmp_path / "clip.mp4", cuts=10, seed=SEED)

    assert tally.wrong == []
    assert tally.right == tally.cuts == 10


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
async def test_a_download_survives_a_line_that_breaks_anywhere(server: Server, tmp_path: Path) -> None:
    tally = await cut_downloads(server, films(tmp_path), tmp_path, cuts=3, seed=SEED, media=MediaWorker())

    assert tally.wrong == []
    assert tally.right == tally.cuts == 3


@each_service
async def test_a_stranger_gets_no_key_and_is_not_believed(entry: Entry, sandbox: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"\0\0\0\x18ftypisom" + bytes(1000))

    tally = await meet(entry, sandbox, file, portals=(200, 302, 511), hops=REDIRECTS)

    assert tally.wrong == []
    assert tally.calls > 40, "every operation met every stranger"


async def test_a_result_comes_from_no_stranger(tmp_path: Path) -> None:
    tally = await fetch_from_strangers(tmp_path, portals=(200, 302, 404, 511), hops=REDIRECTS)

    assert tally.wrong == []


async def test_nothing_is_asked_of_a_server_whose_certificate_is_not_believed(tmp_path: Path) -> None:
    tally = await meet_servers(tmp_path)

    assert tally.wrong == []
    assert tally.calls == 2 * len(TLS_SERVERS) * (len(CALLS) + 1)

"""The command line with a provider that hosts no files: through another one, or from an address of the person's own."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command_line import CommandLine, command_line, lines
from tests.fakes.sandbox import Sandbox, run_quick_sandbox
from tests.fakes.studio_run import a_clip, environ_of

KEYS = {"pixeldojo": "canary-5ecret-dojo-e2e", "oxen": "canary-5ecret-oxen-e2e"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, edits: Path) -> Iterator[Sandbox]:
    with run_quick_sandbox(tmp_path_factory.mktemp("sandbox"), "--queue-delay", "0.05", edits=edits) as running:
        yield running


@pytest.fixture
def sandbox(shared: Sandbox) -> Sandbox:
    shared.faults([])
    shared.forget_requests()
    return shared


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.fixture
def run(home: Path, sandbox: Sandbox) -> Iterator[CommandLine]:
    with command_line(environ_of(home, sandbox, KEYS)) as run:
        yield run


def dojo(source: object, *more: str) -> tuple[str, ...]:
    return ("edit", str(source), "--prompt", "deep snow", "--provider", "pixeldojo", "--json", *more)


def uploads(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [one for one in sandbox.requests() if one["call"] in ("upload", "token")]


def test_an_edit_goes_through_the_named_host_and_is_paid_once(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    before = len(sandbox.ledger())
    done = run(*dojo(clip, "--inputs-via", "oxen"))

    assert done.returncode == 0, done.stderr
    last = lines(done.stdout)[-1]
    assert last["state"] == "completed"
    assert Path(last["take"]).stat().st_size > 0
    assert last["charge"] == {"amount": "24", "currency": "credits"}
    (row,) = sandbox.ledger()[before:]
    assert (row["dialect"], row["amount"], row["refunded"]) == ("pixeldojo", "24.00", False)
    assert {one["dialect"] for one in uploads(sandbox)} == {"oxen"}
    for one in sandbox.requests():
        shown = [name for name, key in KEYS.items() if key in repr(one["headers"])]
        assert shown in ([], [one["dialect"]]), one["path"]


def test_a_host_without_a_key_is_a_missing_key_and_nothing_is_sent(
    run: CommandLine, sandbox: Sandbox, clip: Path
) -> None:
    named = run(*dojo(clip, "--inputs-via", "segmind"))
    del run.environ["OXEN_API_KEY"]
    chosen = run(*dojo(clip))

    assert (named.returncode, chosen.returncode) == (3, 3)
    assert lines(named.stdout)[-1]["error"]["kind"] == "key_missing"
    assert "Segmind" in named.stderr
    assert lines(chosen.stdout)[-1]["error"]["kind"] == "host_missing"
    assert "Oxen.ai, fal.ai and Segmind do" in chosen.stderr
    assert {one["call"] for one in sandbox.requests()} <= {"models"}, "the price, at most"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--inputs-via", "nobody"), "no provider 'nobody'"),
        (("--inputs-via", "pixeldojo"), "PixelDojo hosts no files"),
        (("--element", "{clip}"), "PixelDojo takes no elements; Oxen.ai, fal.ai and Segmind do"),
    ],
)
def test_what_cannot_be_is_wrong_input(
    run: CommandLine, sandbox: Sandbox, clip: Path, more: tuple[str, ...], words: str
) -> None:
    done = run(*dojo(clip, *(word.format(clip=clip) for word in more)))

    assert done.returncode == 2
    assert words in done.stderr
    assert uploads(sandbox) == []


def test_a_dry_run_names_the_host(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    done = run(*dojo(clip, "--dry-run"))

    (plan,) = lines(done.stdout)
    assert done.returncode == 0, done.stderr
    assert plan["inputs_via"] == "oxen"
    assert plan["body"]["video_duration"] == 3
    assert plan["body"]["video_url"].startswith("file:")
    assert plan["estimate"] == {"amount": "24.00", "currency": "credits"}
    assert uploads(sandbox) == []


def test_the_hosts_public_upload_needs_consent(run: CommandLine, sandbox: Sandbox, clip: Path) -> None:
    # At its real address, which is not asked for anything before the person has agreed.
    del run.environ["KLINGSTUDIO_OXEN_URL"]
    done = run(*dojo(clip, "--inputs-via", "oxen"))

    assert done.returncode == 2
    assert lines(done.stdout)[-1]["error"]["kind"] == "consent_missing"
    assert "public repository" in done.stderr
    assert uploads(sandbox) == []


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Nothing."""


@pytest.fixture
def web(clip: Path) -> Iterator[str]:
    """The clip's folder on the web."""
    handler = functools.partial(_Silent, directory=str(clip.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="web")
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_an_address_of_the_persons_own_needs_no_host(
    run: CommandLine, sandbox: Sandbox, web: str, clip: Path, home: Path
) -> None:
    del run.environ["OXEN_API_KEY"]
    before = len(sandbox.ledger())
    done = run(*dojo(f"{web}/clip.mp4"))

    assert done.returncode == 0, done.stderr
    events = lines(done.stdout)
    assert events[0]["phase"] == "fetching"
    assert Path(events[-1]["take"]).name == "clip_deep_snow_v01.mp4"
    (row,) = sandbox.ledger()[before:]
    assert row["input_video"] == f"{web}/clip.mp4"
    assert uploads(sandbox) == []
    (kept,) = (home / "data" / "sources").glob("*/clip.mp4")
    assert kept.read_bytes() == clip.read_bytes()


def test_nothing_is_fetched_without_a_key_to_edit_it_with(run: CommandLine, web: str, home: Path) -> None:
    del run.environ["PIXELDOJO_API_KEY"]

    done = run(*dojo(f"{web}/clip.mp4"))

    assert done.returncode == 3
    assert not (home / "data" / "sources").exists()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{web}/none.mp4", "its address answers HTTP 404"),
        ("{web}/", "not a video"),
        ("http://own.example/clip.mp4", "the address is not https (http://own.example)"),
        ("ftp://own.example/clip.mp4", "the address is not https (ftp://own.example)"),
    ],
)
def test_an_address_that_serves_no_clip_is_wrong_input(
    run: CommandLine, sandbox: Sandbox, web: str, source: str, words: str
) -> None:
    done = run(*dojo(source.format(web=web)))

    assert done.returncode == 2
    assert words in done.stderr
    assert {one["call"] for one in sandbox.requests()} <= {"models"}

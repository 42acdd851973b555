"""A provider that hosts no files: another one does, with its own key, and the one request is paid once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import InputRefused, Kind
from klingstudio.domain.job import Job, State
from klingstudio.engine.preflight import preflight
from klingstudio.providers.pixeldojo import INFO
from klingstudio.studio import Studio
from tests.fakes.sandbox import Sandbox, run_quick_sandbox
from tests.fakes.studio_run import Watch, a_clip, a_request, a_studio


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
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "fox.png"
    Pillow.linear_gradient("L").resize((400, 400)).convert("RGB").save(path)
    return path


class Keys(dict[str, str]):
    """A key of its own for each provider, all of one account that was never here before."""

    def __init__(self, *providers: str) -> None:
        self.account = "u" + uuid.uuid4().hex[:10]
        super().__init__({provider: f"canary-5ecret-{provider}-{self.account}" for provider in providers})


def dojo(clip: Path, **changes: Any) -> Any:
    return a_request(clip, **({"provider": "pixeldojo"} | changes))


def rests(job: Job) -> bool:
    return not job.is_active


def charges(sandbox: Sandbox, keys: Keys) -> list[dict[str, Any]]:
    return [row for row in sandbox.ledger() if row["account"] == keys.account]


def astray(sandbox: Sandbox, keys: Keys) -> list[str]:
    """Requests that showed a key to another service than its own, or to one that reads files."""
    return [
        f"{provider}'s key in {one['dialect']} {one['method']} {one['path']}"
        for one in sandbox.requests()
        for provider, key in keys.items()
        if key in repr(one["headers"]) + one["query"] + one["path"]
        and (one["dialect"] != provider or one["call"] in ("fetch", "result"))
    ]


def uploads(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [one for one in sandbox.requests() if one["call"] == "upload"]


async def refusal(studio: Studio, request: Any) -> Any:
    with pytest.raises(InputRefused) as refused:
        await preflight(request, media=studio.media, accounts=studio.accounts)
    return refused.value.problem


@pytest.mark.parametrize("wish", ["oxen", "fal", "segmind", None])
async def test_the_files_go_through_a_host_and_the_edit_is_paid_once(
    home: Path, sandbox: Sandbox, clip: Path, picture: Path, wish: str | None
) -> None:
    host = wish or "oxen"
    keys = Keys("pixeldojo", host)
    async with a_studio(home, sandbox, key=keys) as studio:
        request = dojo(clip, inputs_via=wish, images=(Image(place=str(picture)),), prompt="like @Image1")
        (job,) = studio.queue.enqueue(request)
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED, job.problem
    assert job.request.inputs_via == host, "frozen with the job"
    (row,) = charges(sandbox, keys)
    assert (row["dialect"], row["currency"], row["amount"]) == ("pixeldojo", "credits", "24.00")
    assert {one["dialect"] for one in uploads(sandbox)} == {host}
    assert len(uploads(sandbox)) == 2
    assert astray(sandbox, keys) == []
    assert str(job.charge) == "24 credits"
    assert str(job.balance) == "976 credits"
    assert all(asset.is_upload and asset.url.startswith(sandbox.at(host)) for asset in job.assets)


async def test_the_first_host_that_has_a_key_is_chosen(home: Path, sandbox: Sandbox, clip: Path) -> None:
    async with a_studio(home, sandbox, key=Keys("pixeldojo", "segmind", "fal")) as studio:
        checked = await preflight(dojo(clip), media=studio.media, accounts=studio.accounts)
        named = await preflight(dojo(clip, inputs_via="segmind"), media=studio.media, accounts=studio.accounts)

    assert checked.host is not None
    assert checked.host.id == "fal"
    assert named.host is not None
    assert named.host.id == "segmind"


async def test_without_any_host_the_choices_are_named_and_nothing_is_sent(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    async with a_studio(home, sandbox, key=Keys("pixeldojo")) as studio:
        (job,) = studio.queue.enqueue(dojo(clip))
        job = await Watch(studio).until(job.id, rests)
        hosts = [info.title for info in studio.accounts.hosts()]

    assert job.state is State.DRAFT
    assert job.problem is not None
    assert job.problem.kind is Kind.HOST_MISSING
    assert all(title in job.problem.detail for title in hosts)
    assert INFO.title not in hosts
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"inputs_via": "nobody"}, Kind.SETTING_INVALID, "no provider 'nobody'"),
        ({"inputs_via": "pixeldojo"}, Kind.NOT_SUPPORTED, "PixelDojo hosts no files"),
        ({"inputs_via": "sandbox"}, Kind.NOT_SUPPORTED, "Sandbox hosts no files for PixelDojo"),
        ({"provider": "oxen", "inputs_via": "pixeldojo"}, Kind.NOT_SUPPORTED, "Oxen.ai hosts the files itself"),
    ],
)
async def test_a_host_that_is_none_is_refused_before_anything_is_asked(
    home: Path, sandbox: Sandbox, clip: Path, changes: dict[str, str], kind: Kind, words: str
) -> None:
    async with a_studio(home, sandbox, key=Keys("pixeldojo", "oxen")) as studio:
        problem = await refusal(studio, dojo(clip, **changes))

    assert problem.kind is kind
    assert words in problem.detail
    assert sandbox.requests() == []


async def test_elements_are_refused_at_their_tile_with_who_does_take_them(
    home: Path, sandbox: Sandbox, clip: Path, picture: Path
) -> None:
    async with a_studio(home, sandbox, key=Keys("pixeldojo", "oxen")) as studio:
        request = dojo(clip, elements=(Element(frontal=str(picture)),), prompt="with @Element1")
        problem = await refusal(studio, request)
        others = [info.title for info in studio.accounts.services() if info.takes_elements]

    assert (problem.kind, problem.subject) == (Kind.NOT_SUPPORTED, "element:1")
    assert problem.detail.startswith("PixelDojo takes no elements; Oxen.ai")
    assert all(title in problem.detail for title in others)
    assert sandbox.requests() == []


async def test_a_host_whose_key_is_refused_gets_no_file_and_nothing_is_ordered(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    keys = Keys("pixeldojo", "oxen")
    keys["oxen"] = f"refused-{keys.account}"
    async with a_studio(home, sandbox, key=keys) as studio:
        (job,) = studio.queue.enqueue(dojo(clip))
        job = await Watch(studio).until(job.id, rests)

    assert (job.state, job.paused) == (State.PREPARED, True)
    assert job.problem is not None
    assert job.problem.kind is Kind.KEY_REFUSED
    assert uploads(sandbox) == []
    assert charges(sandbox, keys) == []


async def test_a_later_start_goes_on_with_the_same_host(home: Path, sandbox: Sandbox, clip: Path) -> None:
    keys = Keys("pixeldojo", "fal", "oxen")
    sandbox.faults([{"call": "upload", "kind": "hang", "times": 0}, {"call": "token", "kind": "hang", "times": 0}])
    async with a_studio(home, sandbox, key={name: key for name, key in keys.items() if name != "oxen"}) as studio:
        (job,) = studio.queue.enqueue(dojo(clip))
        job = await Watch(studio).until(job.id, lambda job: job.state is State.UPLOADING)
        assert job.request.inputs_via == "fal"

    sandbox.faults([])
    async with a_studio(home, sandbox, key=keys) as studio:
        # A provider that comes first has a key by now.
        studio.queue.carry_on(job.id)
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.COMPLETED, job.problem
    assert {one["dialect"] for one in uploads(sandbox)} == {"fal"}
    assert len(charges(sandbox, keys)) == 1
    assert astray(sandbox, keys) == []


async def test_a_later_start_without_the_hosts_key_asks_for_it(home: Path, sandbox: Sandbox, clip: Path) -> None:
    keys = Keys("pixeldojo", "oxen")
    sandbox.faults([{"call": "upload", "kind": "hang", "times": 0}])
    async with a_studio(home, sandbox, key=keys) as studio:
        (job,) = studio.queue.enqueue(dojo(clip))
        await Watch(studio).until(job.id, lambda job: job.state is State.UPLOADING)
        async with asyncio.timeout(20):
            while not uploads(sandbox):
                await asyncio.sleep(0.05)

    sandbox.faults([])
    sandbox.forget_requests()
    async with a_studio(home, sandbox, key={"pixeldojo": keys["pixeldojo"]}) as studio:
        studio.queue.carry_on(job.id)
        job = await Watch(studio).until(job.id, rests)

    assert job.problem is not None
    assert (job.problem.kind, job.problem.detail) == (Kind.KEY_MISSING, "Oxen.ai")
    assert uploads(sandbox) == []
    assert charges(sandbox, keys) == []


async def test_a_lost_answer_is_found_although_another_hosts_the_clip(home: Path, sandbox: Sandbox, clip: Path) -> None:
    keys = Keys("pixeldojo", "oxen")
    sandbox.faults([{"call": "submit", "kind": "drop_after"}])
    async with a_studio(home, sandbox, key=keys) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(dojo(clip))
        await watch.until(job.id, lambda job: job.state is State.UNCONFIRMED)
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED, job.problem
    assert len(charges(sandbox, keys)) == 1
    assert str(job.charge) == "24 credits"


async def test_a_list_that_shows_no_inputs_leaves_the_answer_to_the_person(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    keys = Keys("pixeldojo", "oxen")
    sandbox.faults([{"call": "submit", "kind": "drop_after"}, {"call": "list", "kind": "list_bare", "times": 0}])
    async with a_studio(home, sandbox, key=keys) as studio:
        watch = Watch(studio)
        (job,) = studio.queue.enqueue(dojo(clip))
        job = await watch.until(job.id, lambda job: job.looks >= 2)
        assert job.state is State.UNCONFIRMED
        (row,) = charges(sandbox, keys)
        studio.queue.found(job.id, row["generation_id"])
        job = await watch.until(job.id, rests)

    assert job.state is State.COMPLETED, job.problem
    assert len(charges(sandbox, keys)) == 1


async def test_a_failed_edit_is_told_with_its_reason_and_the_credits_are_back(
    home: Path, sandbox: Sandbox, clip: Path
) -> None:
    keys = Keys("pixeldojo", "oxen")
    sandbox.faults([{"call": "submit", "kind": "fail_job", "message": "the model is tired"}])
    async with a_studio(home, sandbox, key=keys) as studio:
        (job,) = studio.queue.enqueue(dojo(clip))
        job = await Watch(studio).until(job.id, rests)

    assert job.state is State.REMOTE_FAILED
    assert job.problem is not None
    assert (job.problem.kind, job.problem.detail) == (Kind.EDIT_FAILED, "the model is tired")
    assert str(job.problem.charged) == "no"

"""A key that may not be the account's: what it is shown counts, what it is refused does not end a job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from klingstudio.domain.errors import KeyProblem, Kind
from klingstudio.domain.job import CancelAnswer, Remote
from klingstudio.engine.doubt import Doubtful
from klingstudio.providers.base import Waiting
from klingstudio.providers.registry import SERVICES
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import Clip, a_request, an_adapter, inputs, key_of

ENTRY = next(entry for entry in SERVICES if entry.info.can_cancel)
DOUBT = KeyProblem(Kind.OTHER_ACCOUNT, subject="key")


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path / "sandbox", "--queue-delay", "9999") as running:
        yield running


async def test_only_what_the_key_is_shown_of_a_job_counts(slow: Sandbox) -> None:
    base = slow.at(ENTRY.info.id)
    async with (
        an_adapter(ENTRY, base, key_of("mine")) as mine,
        an_adapter(ENTRY, base, key_of("mine", mood="refused")) as refused,
    ):
        receipt = await mine.submit(await mine.order(a_request(ENTRY), inputs(), Clip()))
        remote = Remote(id=receipt.ids[0], links=receipt.links)

        for provider, one in ((refused, remote), (mine, Remote(id="00000000-0000-4000-8000-000000000000", links={}))):
            doubtful = Doubtful(provider, DOUBT)
            for ask in (doubtful.poll, doubtful.cancel):
                with pytest.raises(KeyProblem) as error:
                    await ask(one)
                assert error.value is DOUBT

        shown = Doubtful(mine, DOUBT)
        assert isinstance(await shown.poll(remote), Waiting)
        assert await shown.charge(remote) == await mine.charge(remote)
        assert await shown.cancel(remote) in {CancelAnswer.ASKED, CancelAnswer.STOPPED}

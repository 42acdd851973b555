"""Links that came with a job are used at the service's own hosts only, whoever wrote them into the journal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from klingstudio.domain.errors import StudioError
from klingstudio.domain.job import Remote
from klingstudio.providers.registry import SERVICES, Entry
from tests.fakes.sandbox import Sandbox, run_sandbox
from tests.fakes.services import an_adapter, each_service, key_of

LINKS = ("status_url", "response_url", "cancel_url", "poll_url", "statusUrl")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with run_sandbox(tmp_path_factory.mktemp("foreign")) as sandbox:
        yield sandbox


@each_service
@pytest.mark.parametrize(
    "form", ["{}/requests/1", "{}@{}/requests/1", "{}.evil.invalid/1", "{}//1", "data:,{}", "\x00{}"]
)
async def test_a_foreign_link_is_never_asked(entry: Entry, running: Sandbox, form: str) -> None:
    own = running.at(entry.info.id)
    other = next(running.at(one.info.id) for one in SERVICES if one.info.id != entry.info.id)
    link = form.format(other, other.partition("//")[2])
    running.forget_requests()

    async with an_adapter(entry, own, key_of("links")) as provider:
        remote = Remote(id="no-such-job", links=dict.fromkeys(LINKS, link))
        for call in (provider.poll, provider.charge, provider.cancel):
            with contextlib.suppress(StudioError):
                await call(remote)
        assert provider.result_headers(link) == {}

    asked = running.forget_requests()
    assert {one["dialect"] for one in asked} == {entry.info.id}
    assert all("requests/1" not in one["path"] for one in asked)

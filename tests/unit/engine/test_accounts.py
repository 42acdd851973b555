"""Whose key there is decides what is offered, and nothing is asked of anybody before there is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from klingstudio.domain.errors import InputRefused, KeyProblem, Kind
from klingstudio.domain.request import Request
from klingstudio.engine.accounts import SANDBOX_KEY, Accounts
from klingstudio.net.retry import Patience
from klingstudio.providers.registry import ENTRIES, SERVICES
from klingstudio.vault import Vault
from tests.fakes.accounts import Clock, some_accounts
from tests.fakes.sandbox import Sandbox

FIRST, *_, LAST = [entry.info for entry in SERVICES]
HOSTS = [entry.info for entry in SERVICES if entry.info.hosts_files]
(HOSTLESS,) = [entry.info for entry in SERVICES if not entry.info.hosts_files]
(BUILT_IN,) = [entry.info for entry in ENTRIES if entry.info.key_variable is None]


def a_request(**changes: str) -> Request:
    return Request(**({"source": "/clip.mp4", "prompt": "snow", "provider": HOSTLESS.id} | changes))  # type: ignore[arg-type]


async def test_who_has_one_key_begins_with_its_provider() -> None:
    assert LAST.key_variable is not None
    async with some_accounts({}) as nobody, some_accounts({LAST.key_variable: "canary-5ecret-key"}) as somebody:
        assert (nobody.keyed_provider(), nobody.default_provider()) == (None, FIRST.id)
        assert (somebody.keyed_provider(), somebody.default_provider()) == (LAST.id, LAST.id)


async def test_the_files_of_one_that_hosts_none_go_to_the_first_with_a_key_or_to_nobody() -> None:
    last = HOSTS[-1]
    assert last.key_variable is not None
    async with some_accounts({last.key_variable: "canary-5ecret-key"}) as accounts:
        assert await accounts.host_of(a_request()) == last

    async with some_accounts({}) as accounts:
        with pytest.raises(InputRefused) as refused:
            await accounts.host_of(a_request())

    assert refused.value.problem.kind is Kind.HOST_MISSING
    assert all(host.title in refused.value.problem.detail for host in HOSTS)


async def test_consent_is_asked_for_where_the_web_can_see_an_upload() -> None:
    public = next(info for info in HOSTS if info.upload_is_public)
    async with some_accounts({}) as accounts:
        assert accounts.asks_consent(public.id)
        assert not accounts.asks_consent(BUILT_IN.id)
    async with some_accounts({public.url_variable: "http://127.0.0.1:9"}) as accounts:
        assert not accounts.asks_consent(public.id)


async def test_without_a_key_nobody_is_asked_and_an_unknown_provider_is_refused() -> None:
    async with some_accounts({}) as accounts:
        for call in (accounts.provider, accounts.test):
            with pytest.raises(KeyProblem) as missing:
                await call(FIRST.id)
            assert missing.value.problem.kind is Kind.KEY_MISSING
        with pytest.raises(InputRefused, match=FIRST.id):
            accounts.info("nobody")


async def test_the_sandbox_needs_no_key_and_is_found_where_it_is_started(sandbox: Sandbox) -> None:
    started: list[str] = []

    async def address() -> str:
        started.append(sandbox.url)
        return sandbox.url

    vault = Vault({})
    patience = Patience(sleep=_at_once, random=lambda: 0.5)
    accounts = Accounts(vault, environ={}, patience=patience, now=Clock(), sandbox_address=address)
    try:
        assert (await accounts.key(BUILT_IN.id)).value == SANDBOX_KEY
        assert accounts.is_on_this_computer(BUILT_IN.id)
        assert started == []
        await (await accounts.provider(BUILT_IN.id)).authorize()
        assert started == [sandbox.url]
    finally:
        await accounts.aclose()
        vault.close()


async def _at_once(seconds: float) -> None:
    return


async def test_a_free_call_without_a_key_is_repeated_as_others_are(tmp_path: Path) -> None:
    calls: list[int] = []

    async def call() -> int:
        calls.append(1)
        return len(calls)

    async with some_accounts({}) as accounts:
        assert await accounts.repeat(call) == 1

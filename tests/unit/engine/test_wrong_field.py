"""A key of one service that was put where another one's belongs is sent to neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from klingstudio.domain.errors import KeyProblem, Kind
from klingstudio.paths import paths
from klingstudio.providers.registry import SERVICES, owner_of
from klingstudio.studio import open_accounts
from tests.fakes.sandbox import Sandbox
from tests.fakes.studio_run import KEY, environ_of

# Of the right form, and with the mark of every key of the tests where that form has room for it.
KEYS = {
    "fal": "0f0f0f0f-1111-2222-3333-444444444444:5ecret",
    "segmind": "SG_0123456789abcdef",
    "pixeldojo": "pd_5ecret-x",
}


@pytest.mark.parametrize("owner", KEYS)
def test_a_key_is_known_by_its_form(owner: str) -> None:
    info = owner_of(KEYS[owner])

    assert info is not None
    assert info.id == owner


def test_a_key_of_no_known_form_may_be_anybodys() -> None:
    assert owner_of(KEY) is None


@pytest.mark.parametrize("owner", KEYS)
async def test_a_key_in_the_wrong_field_is_refused_and_sent_nowhere(owner: str, sandbox: Sandbox, home: Path) -> None:
    others = [entry.info for entry in SERVICES if entry.info.id != owner]
    environ = environ_of(home, sandbox, {info.id: KEYS[owner] for info in others})
    async with open_accounts(paths(environ), environ) as accounts:
        for info in others:
            with pytest.raises(KeyProblem) as put:
                await accounts.set_key(info.id, f" Bearer {KEYS[owner]}\n")
            with pytest.raises(KeyProblem) as asked:
                await accounts.test(info.id)
            for refused in (put.value.problem, asked.value.problem):
                assert refused.kind is Kind.KEY_UNUSABLE
                assert refused.detail.startswith("it looks like a key of ")
                assert KEYS[owner] not in refused.detail

    assert sandbox.requests() == []

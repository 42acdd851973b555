from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from klingstudio import logs
from klingstudio.domain.errors import KeyProblem, Kind
from klingstudio.vault import MAX_CHARS, SERVICE, Backend, Vault, Where, clean_key, open_backend

T = TypeVar("T")
KEY = "sk-5ecret-4f9c21d07ab34e55"


class MemoryKeychain:
    """A keychain that works, in memory."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


class ForgetfulKeychain(MemoryKeychain):
    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class BrokenKeychain(MemoryKeychain):
    """Fails as pywin32 does: with an error of its own that keyring does not know."""

    def get_password(self, service: str, username: str) -> str | None:
        raise ConnectionResetError("the session bus went away")


class StubbornKeychain(MemoryKeychain):
    def delete_password(self, service: str, username: str) -> None:
        pass


class PromptingKeychain(MemoryKeychain):
    """Waits for a person, as a keychain with an open password prompt does."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.answered.wait(30)
        return super().get_password(service, username)


def vault_on(backend: Backend | None, environ: dict[str, str] | None = None) -> Vault:
    return Vault(environ or {}, lambda: backend)


# --- what can be a key ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pasted",
    [
        KEY,
        f"  {KEY}\n",
        f'"{KEY}"',
        f"“{KEY}”",
        f"Bearer {KEY}",
        f"bearer  {KEY} ",
        f"'Bearer {KEY}'",
        f"Key {KEY}",
        f"Authorization: Bearer {KEY}",
        f"\tBearer '{KEY}'\r\n",
    ],
)
def test_a_pasted_key_is_freed_of_what_is_around_it(pasted: str) -> None:
    assert clean_key(pasted) == KEY


@pytest.mark.parametrize(
    ("pasted", "reason"),
    [
        ("", "nothing was entered"),
        ("  \n ", "nothing was entered"),
        ('""', "nothing was entered"),
        ("Bearer ", "nothing was entered"),
        ("x" * (MAX_CHARS + 1), f"the most is {MAX_CHARS}"),
        ("abc\r\ndef", "space or a line break"),
        ("abc\ndef", "space or a line break"),
        ("abc def", "space or a line break"),
        ("abc\0def", "characters that no key has"),
        ("abc\x1bdef", "characters that no key has"),
        ("abc\u200bdef", "characters that no key has"),
        ("schlüssel", "characters that no key has"),
    ],
)
async def test_what_cannot_be_a_key_is_refused_and_not_kept(pasted: str, reason: str) -> None:
    keychain = MemoryKeychain()
    vault = vault_on(keychain)

    with pytest.raises(KeyProblem) as caught:
        await vault.put("oxen", pasted)

    assert caught.value.problem.kind is Kind.KEY_UNUSABLE
    assert reason in caught.value.problem.detail
    assert caught.value.problem.subject == "key"
    assert keychain.entries == {}
    vault.close()


async def test_the_longest_key_is_kept() -> None:
    vault = vault_on(MemoryKeychain())

    secret = await vault.put("oxen", "x" * MAX_CHARS)

    assert secret.where is Where.KEYCHAIN
    vault.close()


async def test_a_key_is_never_shown_by_its_text_and_never_logged() -> None:
    vault = vault_on(MemoryKeychain())

    secret = await vault.put("oxen", KEY)

    assert KEY not in repr(secret) + str(secret) + f"{secret}"
    assert KEY not in logs.redact(f"the provider said: invalid token {KEY}")
    vault.close()


# --- where a key comes from -------------------------------------------------------------------------------------------


async def test_the_environment_comes_before_the_keychain_and_does_not_ask_it() -> None:
    keychain = MemoryKeychain()
    vault = vault_on(keychain, {"OXEN_API_KEY": "Bearer from-the-environment"})

    secret = await vault.get("oxen", "OXEN_API_KEY")

    assert (secret.value, secret.where) == ("from-the-environment", Where.ENVIRONMENT)
    assert keychain.calls == 0
    vault.close()


async def test_an_unusable_key_in_the_environment_is_told_and_nothing_else_is_used_instead() -> None:
    keychain = MemoryKeychain()
    keychain.entries[SERVICE, "oxen"] = KEY
    vault = vault_on(keychain, {"OXEN_API_KEY": "two words"})

    secret = await vault.get("oxen", "OXEN_API_KEY")

    assert (secret.value, secret.where) == (None, Where.NONE)
    assert secret.note.startswith("OXEN_API_KEY is set, but it does not hold a usable key")
    assert "two words" not in secret.note
    vault.close()


@pytest.mark.parametrize("variable", [None, "OXEN_API_KEY"])
async def test_an_empty_variable_counts_as_not_set(variable: str | None) -> None:
    keychain = MemoryKeychain()
    keychain.entries[SERVICE, "oxen"] = KEY
    vault = vault_on(keychain, {"OXEN_API_KEY": "  "})

    secret = await vault.get("oxen", variable)

    assert (secret.value, secret.where, secret.note) == (KEY, Where.KEYCHAIN, "")
    vault.close()


async def test_keys_of_two_providers_do_not_mix() -> None:
    vault = vault_on(MemoryKeychain())
    await vault.put("oxen", "key-of-the-first")
    await vault.put("fal", "key-of-the-second")

    await vault.remove("oxen")

    assert (await vault.get("oxen", None)).where is Where.NONE
    assert (await vault.get("fal", None)).value == "key-of-the-second"
    vault.close()


# --- keychains that do not work ---------------------------------------------------------------------------------------


async def test_without_a_keychain_the_key_lives_as_long_as_the_session_and_the_person_is_told() -> None:
    vault = vault_on(None)
    before = await vault.get("oxen", None)

    kept = await vault.put("oxen", KEY)
    after = await vault.get("oxen", None)

    assert before.note == "There is no keychain on this system, so a key can be kept for this session only."
    assert kept.note == "There is no keychain on this system, so the key is kept for this session only."
    assert (after.value, after.where) == (KEY, Where.SESSION)
    vault.close()
    next_session = vault_on(None)
    assert (await next_session.get("oxen", None)).value is None
    next_session.close()


async def test_a_session_key_can_be_removed() -> None:
    vault = vault_on(None)
    await vault.put("oxen", KEY)

    await vault.remove("oxen")

    assert (await vault.get("oxen", None)).where is Where.NONE
    vault.close()


async def test_a_keychain_that_forgets_is_found_out_by_reading_back() -> None:
    vault = vault_on(ForgetfulKeychain())

    secret = await vault.put("oxen", KEY)

    assert secret.where is Where.SESSION
    assert secret.note == "The keychain did not give the key back, so the key is kept for this session only."
    assert (await vault.get("oxen", None)).value == KEY
    vault.close()


async def test_a_keychain_that_fails_in_its_own_way_is_no_traceback() -> None:
    vault = vault_on(BrokenKeychain())

    found = await vault.get("oxen", None)
    kept = await vault.put("oxen", KEY)

    assert found.note == "The keychain does not work (ConnectionResetError), so a key that may be in it cannot be read."
    assert kept.where is Where.SESSION
    vault.close()


@pytest.mark.parametrize("keychain", [BrokenKeychain(), StubbornKeychain()])
async def test_a_key_that_could_not_be_removed_is_told(keychain: MemoryKeychain) -> None:
    keychain.entries[SERVICE, "oxen"] = KEY
    vault = vault_on(keychain)

    with pytest.raises(KeyProblem) as caught:
        await vault.remove("oxen")

    assert "keychain" in caught.value.problem.detail
    vault.close()


async def test_an_open_prompt_stops_neither_the_loop_nor_the_other_keys() -> None:
    keychain = PromptingKeychain()
    keychain.entries[SERVICE, "oxen"] = KEY
    vault = vault_on(keychain, {"FAL_KEY": "another-key"})
    asked = asyncio.ensure_future(vault.get("oxen", None))
    turns = 0

    for _ in range(100):
        await asyncio.sleep(0)
        turns += 1
    other = await vault.get("fal", "FAL_KEY")
    was_waiting = not asked.done()
    keychain.answered.set()

    assert turns == 100
    assert other.value == "another-key"
    assert was_waiting
    assert (await asked).value == KEY
    vault.close()


async def test_who_gives_up_waiting_for_a_prompt_can_ask_again() -> None:
    keychain = PromptingKeychain()
    keychain.entries[SERVICE, "oxen"] = KEY
    vault = vault_on(keychain)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(vault.get("oxen", None), 0.05)
    keychain.answered.set()

    assert (await vault.get("oxen", None)).value == KEY
    vault.close()


async def test_a_keychain_that_hangs_is_given_up_and_said_and_asked_again_later() -> None:
    keychain = PromptingKeychain()
    keychain.entries[SERVICE, "oxen"] = KEY
    vault = Vault({}, lambda: keychain, reading_s=0.05, changing_s=0.05)

    read = await vault.get("oxen", None)
    kept = await vault.put("fal", KEY)
    with pytest.raises(KeyProblem) as refused:
        await vault.remove("fal")
    keychain.answered.set()

    assert (read.value, read.where) == (None, Where.NONE)
    assert read.note.startswith("The keychain has not answered for 0.05 seconds, so")
    assert (kept.value, kept.where) == (KEY, Where.SESSION)
    assert "has not answered" in refused.value.problem.detail
    assert (await vault.get("oxen", None)).value == KEY
    vault.close()


async def test_closing_does_not_wait_for_an_open_prompt() -> None:
    keychain = PromptingKeychain()
    vault = vault_on(keychain)
    asked = asyncio.ensure_future(vault.get("oxen", None))
    await asyncio.sleep(0.02)

    started = time.monotonic()
    vault.close()
    took_s = time.monotonic() - started
    asked.cancel()
    keychain.answered.set()

    assert took_s < 1
    with pytest.raises(asyncio.CancelledError):
        await asked


def test_the_program_ends_although_a_prompt_is_open() -> None:
    script = """if True:
        import asyncio, time
        from klingstudio.vault import Vault

        class Prompting:
            def get_password(self, service, username):
                time.sleep(600)

        async def main():
            try:
                await asyncio.wait_for(Vault({}, Prompting).get("oxen", None), 0.1)
            except TimeoutError:
                print("gave up")

        asyncio.run(main())
    """

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=False, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "gave up\n", "")


# --- real back ends ---------------------------------------------------------------------------------------------------


def _make(kind: Callable[[], T]) -> T:
    """Back ends have constructors without types."""
    return kind()


@pytest.fixture
def chosen_backend() -> Iterator[None]:
    """Puts the back end of the keyring package back after a test chose another."""
    import keyring

    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


async def test_a_back_end_that_is_not_trusted_never_gets_a_key(chosen_backend: None) -> None:
    import keyring
    from keyring.backends import null

    # It takes every key without complaint and gives none back.
    keyring.set_keyring(_make(null.Keyring))
    vault = Vault({})

    secret = await vault.put("oxen", KEY)

    assert open_backend() is None
    assert secret.where is Where.SESSION
    assert secret.note.startswith("There is no keychain on this system")
    vault.close()


async def test_a_trusted_back_end_is_found_behind_a_chain(chosen_backend: None) -> None:
    import keyring
    from keyring.backends import SecretService, chainer, null

    class Chain(chainer.ChainerBackend):
        backends = (_make(null.Keyring), _make(SecretService.Keyring))

    keyring.set_keyring(_make(Chain))

    assert type(open_backend()) is SecretService.Keyring


def test_without_a_session_bus_the_key_is_kept_for_the_session() -> None:
    script = """if True:
        import asyncio
        from klingstudio.vault import Vault

        async def main():
            vault = Vault({})
            print((await vault.put("oxen", "some-usable-key")).note)
            vault.close()

        asyncio.run(main())
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("DBUS_", "XDG_RUNTIME"))}

    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, capture_output=True, timeout=30, check=False, text=True
    )

    assert done.stdout == "There is no keychain on this system, so the key is kept for this session only.\n"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.keyring
async def test_a_key_outlives_the_program_in_the_real_keychain() -> None:
    first = Vault({})
    kept = await first.put("oxen", f" Bearer {KEY}\n")
    first.close()
    second = Vault({})

    found = await second.get("oxen", "OXEN_API_KEY")
    await second.remove("oxen")
    gone = await second.get("oxen", None)

    assert (kept.where, kept.note) == (Where.KEYCHAIN, "")
    assert (found.value, found.where) == (KEY, Where.KEYCHAIN)
    assert (gone.value, gone.where, gone.note) == (None, Where.NONE, "")
    second.close()


@pytest.mark.keyring
async def test_removing_twice_and_replacing_work_in_the_real_keychain() -> None:
    vault = Vault({})
    await vault.put("fal", "the-first-key")
    await vault.put("fal", "the-second-key")

    found = await vault.get("fal", None)
    await vault.remove("fal")
    await vault.remove("fal")

    assert found.value == "the-second-key"
    vault.close()


@pytest.mark.keyring_locked
# keyring forgets to close its connection to the bus when the collection is locked.
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
async def test_a_locked_keychain_is_told_and_the_key_kept_for_the_session() -> None:
    import secretstorage

    with secretstorage.dbus_init() as connection:
        secretstorage.get_default_collection(connection).lock()
    vault = Vault({})

    before = await vault.get("oxen", None)
    kept = await vault.put("oxen", KEY)
    after = await vault.get("oxen", None)

    assert before.note == "The keychain is locked, so a key that may be in it cannot be read."
    assert kept.note == "The keychain is locked, so the key is kept for this session only."
    assert (after.value, after.where) == (KEY, Where.SESSION)
    with pytest.raises(KeyProblem, match="The keychain is locked"):
        await vault.remove("oxen")
    vault.close()
    gc.collect()

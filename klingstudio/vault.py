"""Keys of the providers: the environment first, then the system's keychain, else this session's memory. Never a file.

A keychain may hold its caller up for as long as a person needs to type a password, so every call to it runs on one
thread of its own. That thread is a daemon: an open password prompt never keeps the program from quitting.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from queue import SimpleQueue
from typing import Protocol, TypeVar, cast

from klingstudio import logs
from klingstudio.domain.errors import KeyProblem, Kind

SERVICE = "io.klingstudio.KlingStudio"
MAX_CHARS = 1200
"""Windows keeps 2560 bytes of UTF-16 for each entry; this leaves some room."""

TRUSTED = (
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)
"""Others exist that keep keys in plain files or lose them without a word."""

_PREFIXES = ("authorization:", "bearer ", "key ")
_QUOTES = "\"'`“”‘’«»"
_NONE_HERE = "There is no keychain on this system"
_CLOSING_S = 0.2
READING_S, CHANGING_S = 10.0, 60.0
"""How long a keychain may take. Who has just pressed Save may be asked for a password, and has to type it."""

log = logging.getLogger(__name__)

T = TypeVar("T")


class Where(StrEnum):
    """Where a key lies."""

    ENVIRONMENT = "environment"
    KEYCHAIN = "keychain"
    SESSION = "session"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Secret:
    """A key, or the reason why there is none. Its text form never shows the key."""

    value: str | None = field(repr=False)
    where: Where
    note: str = ""
    """A sentence for the person, empty when there is nothing to tell."""

    def __str__(self) -> str:
        return repr(self)


class Backend(Protocol):
    """What is used of a keychain."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


def open_backend() -> Backend | None:
    """The system's keychain, or None where there is no trusted one. Takes 0.2 s; belongs on the keychain thread."""
    import keyring

    chosen = keyring.get_keyring()
    # Where several are installed, the chosen one is a chain that holds the real ones.
    backends = list(getattr(chosen, "backends", ())) or [chosen]
    return next((cast("Backend", one) for one in backends if type(one).__module__ in TRUSTED), None)


def clean_key(text: str) -> str:
    """The key in what a person pasted: without spaces, quotes or a `Bearer` around it.

    Raises:
        KeyProblem: there is nothing that could be a key.
    """
    key = text.strip()
    before = None
    while key != before:
        before = key
        key = key.strip().strip(_QUOTES).strip()
        for prefix in _PREFIXES:
            if key.lower().startswith(prefix):
                key = key[len(prefix) :]
    if not key or f"{key.lower()} " in _PREFIXES:
        raise KeyProblem(Kind.KEY_UNUSABLE, "nothing was entered", subject="key")
    if len(key) > MAX_CHARS:
        raise KeyProblem(Kind.KEY_UNUSABLE, f"{len(key)} characters; the most is {MAX_CHARS}", subject="key")
    if any(character.isspace() for character in key):
        raise KeyProblem(Kind.KEY_UNUSABLE, "it has a space or a line break inside", subject="key")
    if not key.isprintable() or not key.isascii():
        # It travels in an HTTP header, which takes nothing else.
        raise KeyProblem(Kind.KEY_UNUSABLE, "it has characters that no key has", subject="key")
    return key


class Vault:
    """The keys of this process. One for the whole program; made and used on one event loop."""

    def __init__(
        self,
        environ: Mapping[str, str],
        opener: Callable[[], Backend | None] = open_backend,
        *,
        reading_s: float = READING_S,
        changing_s: float = CHANGING_S,
    ) -> None:
        self._environ = environ
        self._reading_s, self._changing_s = reading_s, changing_s
        self._keychain = _Keychain(opener)
        self._session: dict[str, str] = {}

    async def get(self, provider_id: str, variable: str | None) -> Secret:
        """The key to use now. `variable` is the environment variable that comes before everything else."""
        if variable is not None and (text := self._environ.get(variable, "").strip()):
            try:
                return _secret(clean_key(text), Where.ENVIRONMENT)
            except KeyProblem as error:
                # Taking the key from elsewhere would use an account that the person did not mean.
                note = f"{variable} is set, but it does not hold a usable key: {error.problem.detail}."
                return Secret(None, Where.NONE, note)
        if provider_id in self._session:
            return Secret(self._session[provider_id], Where.SESSION, "The key is kept for this session only.")
        try:
            value = await self._keychain.call(
                lambda backend: backend.get_password(SERVICE, provider_id), self._reading_s
            )
        except _NoKeychain as error:
            return Secret(None, Where.NONE, f"{error}, so a key can be kept for this session only.")
        except _KeychainFailed as error:
            return Secret(None, Where.NONE, f"{error}, so a key that may be in it cannot be read.")
        return _secret(value, Where.KEYCHAIN) if value else Secret(None, Where.NONE)

    async def put(self, provider_id: str, value: str) -> Secret:
        """Keep a key, in the keychain where that works, else until the program ends; `note` says which and why.

        Raises:
            KeyProblem: it cannot be a key.
        """
        key = clean_key(value)
        logs.conceal(key)

        def write(backend: Backend) -> bool:
            backend.set_password(SERVICE, provider_id, key)
            return backend.get_password(SERVICE, provider_id) == key

        try:
            reason = (
                "" if await self._keychain.call(write, self._changing_s) else "The keychain did not give the key back"
            )
        except (_NoKeychain, _KeychainFailed) as error:
            reason = str(error)
        if reason:
            self._session[provider_id] = key
            return Secret(key, Where.SESSION, f"{reason}, so the key is kept for this session only.")
        self._session.pop(provider_id, None)
        return Secret(key, Where.KEYCHAIN)

    async def remove(self, provider_id: str) -> None:
        """Forget a key. One in the environment stays: that is not ours to change.

        Raises:
            KeyProblem: it may still be in the keychain.
        """
        self._session.pop(provider_id, None)

        def delete(backend: Backend) -> bool:
            if backend.get_password(SERVICE, provider_id) is not None:
                backend.delete_password(SERVICE, provider_id)
            return backend.get_password(SERVICE, provider_id) is None

        try:
            reason = "" if await self._keychain.call(delete, self._changing_s) else "The keychain kept the key"
        except _NoKeychain:
            return
        except _KeychainFailed as error:
            reason = f"{error}, so the key could not be removed from it"
        if reason:
            raise KeyProblem(Kind.KEY_UNUSABLE, reason, subject="key")

    def close(self) -> None:
        """Forget the keys of this session and let the thread go. Never waits for a prompt."""
        self._session.clear()
        self._keychain.close()


def _secret(value: str, where: Where) -> Secret:
    logs.conceal(value)
    return Secret(value, where)


class _NoKeychain(Exception):
    """There is no trusted keychain. The text is the beginning of a sentence."""


class _KeychainFailed(Exception):
    """There is one, but it does not do what is asked. The text is the beginning of a sentence."""


class _Keychain:
    """One daemon thread that talks to the back end, and a queue in front of it."""

    def __init__(self, opener: Callable[[], Backend | None]) -> None:
        self._opener = opener
        self._backend: Backend | None = None
        self._is_open = False
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    async def call(self, ask: Callable[[Backend], T], limit_s: float) -> T:
        """Run `ask` on the keychain thread and wait so long for it; what comes later is let go."""
        if self._is_closed:
            raise _KeychainFailed("The program is closing")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def give(result: T | None, error: Exception | None) -> None:
            if answer.done():
                return
            if error is None:
                answer.set_result(cast("T", result))
            else:
                answer.set_exception(error)

        def work() -> None:
            result: T | None = None
            error: Exception | None = None
            try:
                result = self._ask(ask)
            except (_NoKeychain, _KeychainFailed) as known:
                error = known
            # The loop is closed when the program ended while a prompt was open.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(give, result, error)

        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="keychain", daemon=True)
            self._thread.start()
        self._work.put(work)
        try:
            async with asyncio.timeout(limit_s):
                return await answer
        except TimeoutError:
            raise _KeychainFailed(f"The keychain has not answered for {limit_s:g} seconds") from None

    def close(self) -> None:
        self._is_closed = True
        if self._thread is not None:
            self._work.put(None)
            self._thread.join(_CLOSING_S)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _ask(self, ask: Callable[[Backend], T]) -> T:
        try:
            if not self._is_open:
                self._backend = self._opener()
                self._is_open = True
            if self._backend is not None:
                return ask(self._backend)
            problem: Exception = _NoKeychain(_NONE_HERE)
        # Back ends raise what they like: KeyringError, errors of D-Bus, pywintypes.error.
        except Exception as error:  # noqa: BLE001
            log.info("the keychain failed: %s: %s", type(error).__name__, error)
            problem = _understood(error)
        # Raised out here so that the back end's own error, and the connections its frames hold, are let go.
        raise problem


def _understood(error: Exception) -> Exception:
    # By name, because the package is imported on the keychain thread only, and not at all where it is missing.
    match type(error).__name__:
        case "NoKeyringError":
            return _NoKeychain(_NONE_HERE)
        case "KeyringLocked":
            return _KeychainFailed("The keychain is locked")
        case "InitError" | "PromptDismissedException":
            return _KeychainFailed("The keychain could not be opened")
        case name:
            return _KeychainFailed(f"The keychain does not work ({name})")

"""Bearer tokens: fetched before any audio, renewed while a session lasts."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from functools import cache
from threading import Thread
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from azstt._errors import AuthenticationError
from azstt.backends.azure._failures import BACKEND

_Given = TypeVar("_Given")

SCOPE = "https://cognitiveservices.azure.com/.default"
#: Seconds before a token expires at which the next one is fetched.
_MARGIN = 300.0
#: Seconds that a token lasts of which nothing is known: the service's own live for ten minutes.
_LIFE = 600.0
#: Seconds until a renewal that failed is tried again.
_PAUSE = 30.0


class AccessToken(Protocol):
    """What a credential gives."""

    @property
    def token(self) -> str:
        """The bearer token."""
        ...

    @property
    def expires_on(self) -> int:
        """When it expires, in seconds since 1970."""
        ...


class TokenCredential(Protocol):
    """A credential of azure-identity, or of its ``aio`` half, or one like it."""

    def get_token(self, *scopes: str) -> AccessToken | Awaitable[AccessToken]:
        """Get a token for the scopes."""
        ...


#: A token that never changes, or a function that gives the one of now.
Token: TypeAlias = str | Callable[[], str]


class Tokens:
    """Gives the bearer token of now.

    Args:
        source: a token, a function that gives one, or a credential.
        resource_id: makes an Entra ID token fit for a region's shared endpoint.
        limit: seconds that fetching one may take.
    """

    def __init__(
        self, source: Token | TokenCredential, resource_id: str | None, limit: float
    ) -> None:
        self._source: Token | TokenCredential = source
        self._resource_id: str | None = resource_id
        self._limit: float = limit
        self._token: str = ""
        self._renew_at: float = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time for a new token."""
        return time.time() >= self._renew_at

    def get(self) -> str:
        """Give the token, a new one where the last is about to expire.

        Raises:
            AuthenticationError: there is none to be had; says why and never shows one.
        """
        if self.due:
            try:
                self._token, expires = _within(self._limit, self._fetch)
            except _TooLate:
                raise AuthenticationError(
                    f"no token could be had: {type(self._source).__name__} gave none within "
                    f"sign_in={self._limit:g} s",
                    backend=BACKEND,
                    code="token",
                    hint="check what the credential waits for, or raise that limit in AzureLimits",
                ) from None
            except Exception as error:
                raise AuthenticationError(
                    f"no token could be had: {type(error).__name__} was raised by "
                    f"{type(self._source).__name__}",
                    backend=BACKEND,
                    code="token",
                    hint="sign in anew, or check what the credential needs; see __cause__",
                ) from error
            if not self._token:
                raise AuthenticationError(
                    f"{type(self._source).__name__} gave an empty token",
                    backend=BACKEND,
                    code="token",
                    hint="without one the service would take the connection for an anonymous one",
                )
            left = expires - time.time()
            self._renew_at = expires - min(_MARGIN, left / 2)
        return self._token

    def drop(self) -> bool:
        """Give up a token that the service refuses; tell whether another may be had."""
        self._renew_at = 0.0
        return not isinstance(self._source, str)

    def later(self) -> None:
        """Put off the next attempt after one that failed."""
        self._renew_at = time.time() + _PAUSE

    def _fetch(self) -> tuple[str, float]:
        """Give a token and when it expires, in seconds since 1970."""
        if isinstance(self._source, str):
            return self._source, float("inf")
        if callable(self._source):
            return self._source(), time.time() + _LIFE
        given = self._source.get_token(SCOPE)
        access = cast("AccessToken", _await(given) if inspect.isawaitable(given) else given)
        token = f"aad#{self._resource_id}#{access.token}" if self._resource_id else access.token
        return token if access.token else "", float(access.expires_on)


class _TooLate(Exception):  # noqa: N818 - no error of ours: it never leaves this module
    """Fetching took longer than it may."""


def _within(seconds: float, fetch: Callable[[], _Given]) -> _Given:
    """Fetch in a thread, left to itself if it takes longer: a credential may wait without end."""
    future: Future[_Given] = Future()

    def run() -> None:
        try:
            future.set_result(fetch())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            future.set_exception(error)

    Thread(target=run, name="azstt azure sign-in", daemon=True).start()
    if not wait([future], seconds).done:
        raise _TooLate
    return future.result()


def _await(awaitable: Awaitable[Any]) -> object:
    """Wait, on a thread without a loop, for what an async credential gives."""

    async def give() -> object:
        return await awaitable

    return asyncio.run_coroutine_threadsafe(give(), _loop()).result()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """Run one loop for all async credentials: their connections belong to the loop of the first."""
    loop = asyncio.new_event_loop()
    Thread(target=loop.run_forever, name="azstt credentials", daemon=True).start()
    return loop

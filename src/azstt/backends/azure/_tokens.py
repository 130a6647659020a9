"""Bearer tokens: fetched before any audio, renewed during a session."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeAlias, cast

from azstt._errors import AuthenticationError
from azstt._threads.loop_thread import LoopThread
from azstt._threads.tasks import BlockingCall
from azstt.backends.azure._failures import BACKEND

SCOPE = "https://cognitiveservices.azure.com/.default"
#: Seconds before a token expires at which the next one is fetched.
_MARGIN = 300.0
#: Seconds that a token of unknown lifetime is used: the service's own last ten minutes.
_LIFE = 600.0
#: Seconds until a failed renewal is tried again.
_PAUSE = 30.0
#: One loop for all async credentials: their connections belong to the loop of the first call.
_LOOP = LoopThread("azstt credentials")


class AccessToken(Protocol):
    """What a credential returns."""

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


#: A token that never changes, or a function that returns the current one.
Token: TypeAlias = str | Callable[[], str]


class Tokens:
    """The current bearer token, whatever its source.

    Args:
        source: a token, a function that returns one, or a credential.
        resource_id: makes an Entra ID token valid for a region's shared endpoint.
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
        """Whether it is time to fetch a new token."""
        return time.time() >= self._renew_at

    def get(self) -> str:
        """Return the token, or a new one if the last is about to expire.

        Raises:
            AuthenticationError: could not obtain one; says why and never shows a token.
        """
        if self.due:
            self._token, expires = self._fetch_in_time()
            if not self._token:
                raise AuthenticationError(
                    f"could not obtain an access token: {type(self._source).__name__} returned an "
                    "empty token",
                    backend=BACKEND,
                    code="token",
                    hint="without a token the service would treat the connection as anonymous",
                )
            left = expires - time.time()
            self._renew_at = expires - min(_MARGIN, left / 2)
        return self._token

    def _fetch_in_time(self) -> tuple[str, float]:
        """Fetch in a thread that is abandoned if it takes too long: a credential may hang."""
        call = BlockingCall(self._fetch, name="azstt azure sign-in")
        if not call.join(self._limit):
            raise AuthenticationError(
                f"could not obtain an access token: {type(self._source).__name__} returned none "
                f"within sign_in={self._limit:g} s",
                backend=BACKEND,
                code="token",
                hint="check what the credential waits for, or raise that limit in AzureLimits",
            )
        try:
            return call.result()
        except Exception as error:
            raise AuthenticationError(
                f"could not obtain an access token: {type(self._source).__name__} raised "
                f"{type(error).__name__}",
                backend=BACKEND,
                code="token",
                hint="sign in again, or check what the credential needs; see __cause__",
            ) from error

    def drop(self) -> bool:
        """Discard a token that the service rejects; return whether there may be another."""
        self._renew_at = 0.0
        return not isinstance(self._source, str)

    def later(self) -> None:
        """Postpone the next attempt, after one that failed."""
        self._renew_at = time.time() + _PAUSE

    def _fetch(self) -> tuple[str, float]:
        """Return a token and when it expires, in seconds since 1970."""
        if isinstance(self._source, str):
            return self._source, float("inf")
        if callable(self._source):
            return self._source(), time.time() + _LIFE
        given = self._source.get_token(SCOPE)
        access = cast("AccessToken", _await(given) if inspect.isawaitable(given) else given)
        token = f"aad#{self._resource_id}#{access.token}" if self._resource_id else access.token
        return token if access.token else "", float(access.expires_on)


def _await(awaitable: Awaitable[Any]) -> object:
    """Wait, on a thread without a loop, for the result of an async credential."""

    async def result() -> object:
        return await awaitable

    return _LOOP.enter(_LOOP).call(result)

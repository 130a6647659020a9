"""Bearer tokens: fetched before any audio is sent, renewed during a session."""

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
_RENEWAL_MARGIN = 300.0
#: The assumed lifetime, in seconds, of a token that comes without one: that of the service's own.
_DEFAULT_LIFETIME = 600.0
#: Seconds until a failed renewal is tried again.
_RETRY_DELAY = 30.0
#: One loop for all async credentials: their connections stay bound to their first loop.
_LOOP = LoopThread("azstt credentials")


class AccessToken(Protocol):
    """A token as a credential returns it."""

    @property
    def token(self) -> str:
        """The bearer token."""
        ...

    @property
    def expires_on(self) -> int:
        """When it expires, in seconds since the Unix epoch."""
        ...


class TokenCredential(Protocol):
    """A credential of azure-identity or azure-identity.aio, or one with the same method."""

    def get_token(self, *scopes: str) -> AccessToken | Awaitable[AccessToken]:
        """Return a token for the scopes."""
        ...


#: A token that never changes, or a function that returns the current one.
Token: TypeAlias = str | Callable[[], str]


class TokenCache:
    """Keeps the current bearer token, and fetches the next one before it expires.

    Args:
        source: a token, a function that returns one, or a credential.
        resource_id: the Azure resource id; Entra ID tokens need it at a region's shared endpoint.
        limit: seconds that fetching a token may take.
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
        """Return the token, after fetching a new one if the last is about to expire.

        Raises:
            AuthenticationError: none could be obtained; the message never contains a token.
        """
        if self.due:
            self._token, expires = self._fetch_in_time()
            if not self._token:
                raise self._error(
                    f"{self._source_name} returned an empty token",
                    "azstt does not connect without one: the connection would be anonymous",
                )
            left = expires - time.time()
            self._renew_at = expires - min(_RENEWAL_MARGIN, left / 2)
        return self._token

    def _fetch_in_time(self) -> tuple[str, float]:
        """Fetch in a thread that is abandoned if it takes too long: a credential may hang."""
        call = BlockingCall(self._fetch, name="azstt azure sign-in")
        if not call.join(self._limit):
            raise self._error(
                f"no response from {self._source_name} within {self._limit:g} s (sign_in)",
                "check what the credential waits for, or raise that limit in AzureLimits",
            )
        try:
            return call.result()
        except Exception as error:
            raise self._error(
                f"{self._source_name} raised {type(error).__name__}",
                "sign in again, or check what the credential needs; see __cause__",
            ) from error

    def discard(self) -> bool:
        """Discard a token that the service rejected; return whether the source has others."""
        self._renew_at = 0.0
        return not isinstance(self._source, str)

    def postpone_renewal(self) -> None:
        """Wait before the next attempt after a renewal that failed."""
        self._renew_at = time.time() + _RETRY_DELAY

    @property
    def _source_name(self) -> str:
        return type(self._source).__name__

    @staticmethod
    def _error(reason: str, hint: str) -> AuthenticationError:
        message = f"could not obtain an access token: {reason}"
        return AuthenticationError(message, backend=BACKEND, code="token", hint=hint)

    def _fetch(self) -> tuple[str, float]:
        """Return a token and when it expires, in seconds since the Unix epoch."""
        if isinstance(self._source, str):
            return self._source, float("inf")
        if callable(self._source):
            return self._source(), time.time() + _DEFAULT_LIFETIME
        given = self._source.get_token(SCOPE)
        access = cast("AccessToken", _await(given) if inspect.isawaitable(given) else given)
        token = f"aad#{self._resource_id}#{access.token}" if self._resource_id else access.token
        return token if access.token else "", float(access.expires_on)


def _await(awaitable: Awaitable[Any]) -> object:
    """Wait for an async credential's result, on a thread without an event loop."""

    async def result() -> object:
        return await awaitable

    return _LOOP.enter(_LOOP).call(result)

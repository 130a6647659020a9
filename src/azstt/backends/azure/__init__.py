"""Azure Speech through the vendor's own SDK: the service, a container or the emulator."""

from azstt.backends.azure._backend import AzureBackend
from azstt.backends.azure._limits import (
    AzureLimits,
    ReconnectPolicy,
)
from azstt.backends.azure._settings import AzureSettings
from azstt.backends.azure._tokens import (
    AccessToken,
    Token,
    TokenCredential,
)

__all__ = [
    "AccessToken",
    "AzureBackend",
    "AzureLimits",
    "AzureSettings",
    "ReconnectPolicy",
    "Token",
    "TokenCredential",
]

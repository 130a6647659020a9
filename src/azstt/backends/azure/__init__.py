"""Azure Speech through the vendor's own SDK: the service, a container or the emulator."""

from azstt.backends.azure._backend import AzureBackend as AzureBackend
from azstt.backends.azure._limits import AzureLimits as AzureLimits
from azstt.backends.azure._limits import ReconnectPolicy as ReconnectPolicy
from azstt.backends.azure._settings import AzureSettings as AzureSettings

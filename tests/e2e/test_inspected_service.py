"""An inspecting proxy between the server and Azure Speech."""

from __future__ import annotations

import pytest
from driving.inspection import ISSUER

import azstt
from azstt.backends.azure import AzureBackend, AzureSettings

pytestmark = pytest.mark.e2e


def through(proxy, service, user="", **settings):
    """Return a backend that reaches the service by name, through the proxy."""
    return AzureBackend(
        AzureSettings(
            host=service.host,
            proxy=proxy.url.replace("//", f"//{user}"),
            **settings,
        )
    )


def test_ca_bundle_makes_the_proxy_trusted(secure_service, inspect, authorities, recordings):
    """With the proxy's CA as ca_bundle, transcription works through the proxy."""
    proxy = inspect()
    backend = through(proxy, secure_service, ca_bundle=authorities[0].certificate)
    transcript = azstt.transcribe_file(recordings["gregson"].path, backend=backend)
    assert recordings["gregson"].errors(transcript.text) == 0
    assert proxy.requests(kind="websocket", tls=True)


@pytest.mark.parametrize(("wanted", "given"), [(None, ""), ("anna:p@ss", "anna:p%40ss@")])
def test_an_untrusted_proxy_is_named_with_the_remedy(
    secure_service, inspect, recordings, wanted, given
):
    """The error names the certificate's issuer and the setting to change."""
    known = len(secure_service.requests)
    backend = through(inspect(user=wanted), secure_service, user=given)
    with pytest.raises(azstt.ServiceUnreachableError) as caught:
        azstt.transcribe_file(recordings["gregson"].path, backend=backend)
    assert repr(ISSUER) in str(caught.value)
    assert "set ca_bundle (AZURE_SPEECH_CA_BUNDLE)" in str(caught.value)
    assert len(secure_service.requests) == known, "not a byte reached it"

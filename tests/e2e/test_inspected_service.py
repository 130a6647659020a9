"""An inspecting proxy between the server and Azure Speech."""

from __future__ import annotations

import pytest
from driving.inspection import ISSUER

import azstt
from azstt.backends.azure import AzureBackend, AzureSettings

pytestmark = pytest.mark.e2e


def through(proxy, service, user="", **settings):
    """Lead the SDK to the service by its name, through the proxy."""
    return AzureBackend(
        AzureSettings(
            host=service.host,
            proxy=proxy.url.replace("//", f"//{user}"),
            **settings,
        )
    )


def test_its_authority_is_trusted_where_the_settings_say_so(
    secure_service, inspect, authorities, recordings
):
    """With the proxy's CA as ca_bundle the transcript arrives, though all of it was read."""
    proxy = inspect()
    backend = through(proxy, secure_service, ca_bundle=authorities[0].certificate)
    transcript = azstt.transcribe_file(recordings["gregson"].path, backend=backend)
    assert recordings["gregson"].errors(transcript.text) == 0
    assert proxy.requests(kind="websocket", tls=True)


@pytest.mark.parametrize(("wanted", "given"), [(None, ""), ("anna:p@ss", "anna:p%40ss@")])
def test_without_trust_the_error_names_the_issuer_and_the_remedy(
    secure_service, inspect, recordings, wanted, given
):
    """Whoever reads the error knows whose certificate it is and which setting to set."""
    known = len(secure_service.requests)
    backend = through(inspect(user=wanted), secure_service, user=given)
    with pytest.raises(azstt.ServiceUnreachableError) as caught:
        azstt.transcribe_file(recordings["gregson"].path, backend=backend)
    assert repr(ISSUER) in str(caught.value)
    assert "set ca_bundle (AZURE_SPEECH_CA_BUNDLE)" in str(caught.value)
    assert len(secure_service.requests) == known, "not a byte reached it"

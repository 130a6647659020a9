"""An inspecting proxy between the browser and the server, which blocks recordings."""

from __future__ import annotations

import pytest
from driving.inspection import ISSUER
from driving.speech import words

pytestmark = pytest.mark.e2e

MEDIA = ("multipart", "audio", "patch")
#: Console errors for requests that the proxy blocks.
BLOCKED = "Failed to load resource|WebSocket connection to"


@pytest.fixture
def visit_through(visit, inspect, secure_app):
    """Open the page through a proxy that decrypts everything and blocks kinds of requests."""

    def open_page(*blocked, refusal="403"):
        proxy = inspect(blocked=blocked, refusal=refusal)
        server = {"server": proxy.url, "bypass": "<-loopback>"}
        return proxy, visit(
            secure_app.url, proxy=server, ignore_https_errors=True, expected_errors=BLOCKED
        )

    return open_page


def test_a_proxy_that_blocks_nothing_changes_nothing(visit_through, recordings):
    """An upload is one piece, as without a proxy."""
    proxy, page = visit_through()
    page.upload(recordings["gregson"].path)
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference
    assert len(proxy.requests(kind="patch", tls=True)) == 1
    assert page["notice"].is_hidden()


@pytest.mark.parametrize("refusal", ["403", "413", "page", "reset"])
def test_a_blocked_upload_arrives_in_small_requests(visit_through, recordings, shoot, refusal):
    """However the proxy blocks it, the page says so and sends the same audio in small POSTs."""
    proxy, page = visit_through(*MEDIA, refusal=refusal)
    page.upload(recordings["both"].path)
    page.wait("done")
    shoot(page, "web-blocked" if refusal == "403" else f"blocked-{refusal}")
    assert words(page.text) == recordings["both"].reference
    assert "proxies, such as Zscaler" in page["notice"].text_content()
    assert proxy.requests(kind="patch", blocked=True)
    assert len(proxy.requests(kind="octets", blocked=False)) > 1


def test_an_upload_that_a_proxy_finds_too_large_arrives_in_pieces(visit_through, recordings):
    """If only large requests are blocked, smaller ones get through."""
    proxy, page = visit_through("large", refusal="413")
    page.upload(recordings["both"].path)
    page.wait("done")
    assert words(page.text) == recordings["both"].reference
    assert proxy.requests(kind="large", blocked=True)


@pytest.mark.parametrize("transport", ["opus", "pcm"])
def test_live_works_even_if_websockets_are_blocked(
    visit_through, microphone, recordings, shoot, transport
):
    """Text appears as it is spoken, over nothing but small requests."""
    microphone.plays(recordings["wizard"])
    proxy, page = visit_through(*MEDIA, "websocket")
    page.speak(transport)
    page.wait("live")
    page.wait_for_words("complaint")
    shoot(page, f"live-blocked-{transport}")
    page.wait_for_settled(len(recordings["wizard"].reference))
    page["stop"].click()
    page.wait("done")
    assert words(page.text) == recordings["wizard"].reference
    assert "WebSockets" in page["notice"].text_content()
    assert len(proxy.requests(kind="octets", blocked=False)) > 5


@pytest.mark.parametrize("trusted", [True, False])
def test_a_proxy_between_the_server_and_the_service(
    secure_service, run_app, inspect, authorities, visit, recordings, shoot, trusted
):
    """The server's proxy and CA settings work; without the CA the page names the issuer."""
    proxy = inspect()
    settings = {"AZURE_SPEECH_HOST": secure_service.host, "AZURE_SPEECH_PROXY": proxy.url}
    if trusted:
        settings["AZURE_SPEECH_CA_BUNDLE"] = str(authorities[0].certificate)
    page = visit(run_app("gunicorn", **settings).url)
    page.upload(recordings["gregson"].path)
    if trusted:
        page.wait("done")
        assert words(page.text) == recordings["gregson"].reference
        assert proxy.requests(kind="websocket", tls=True)
    else:
        page["error"].wait_for()
        shoot(page, "untrusted")
        assert repr(ISSUER) in page["error"].text_content()
        assert "AZURE_SPEECH_CA_BUNDLE" in page["error"].text_content()

"""Access: what a browser may do, and what other sites, host names, and browsers may not."""

from __future__ import annotations

import pytest

import azstt
from examples.flask_app import create_app
from examples.flask_app.config import Config
from examples.flask_app.tests.conftest import JFK, TUS, Browser

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def test_nothing_changes_without_the_pages_token(browser):
    """A form on another site, which sends the cookie along, is rejected."""
    saved = browser.transcribe()["transcript"]
    for token in ({}, {"X-CSRF-Token": "guessed"}):
        assert browser.web.delete(f"/transcripts/{saved}", headers=token).status_code == 403
        assert browser.web.post("/uploads", json={}, headers=token).status_code == 403
        assert browser.web.post("/live/x/socket", headers=token).status_code == 403
    assert browser.get(f"/transcripts/{saved}").status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://["]
)
def test_other_sites_pages_are_refused(browser, origin):
    """Neither their requests nor their WebSockets are served, even with a valid token."""
    assert browser.post("/uploads", Origin=origin).status_code == 403
    for path in ("/live/x/socket", "/live/y/socket"):
        answer = browser.web.get(path, headers={**UPGRADE, "Origin": origin})
        assert answer.status_code == 403
        assert "may not use this app" in answer.get_json()["error"]


def test_the_app_does_not_start_with_half_of_azures_settings(monkeypatch, tmp_path):
    """Half of Azure's settings ends the start with what is missing, not in another recognizer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SPEECH_KEY=k3y-of-the-company\nSPEECH_REGON=westus")
    with pytest.raises(azstt.ConfigurationError, match="did you mean SPEECH_REGION") as caught:
        create_app(Config(data=tmp_path))
    assert "k3y" not in str(caught.value)


def test_unknown_host_names_are_refused(make):
    """A host name that was not configured is rejected; a configured one is served."""
    web = make(hosts="speech.example.com").test_client()
    assert web.get("/", headers={"Host": "rebound.example:5000"}).status_code == 400
    for host in ("speech.example.com", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"):
        assert web.get("/", headers={"Host": host}).status_code == 200


def test_browsers_cannot_access_each_others_data(make):
    """Others' transcripts, uploads, and sockets do not exist, even under their IDs."""
    app = make()
    mine, other = Browser(app), Browser(app)
    saved = mine.transcribe()["transcript"]
    upload = mine.announce(len(JFK)).get_json()["id"]
    socket = mine.socket("/live/x/socket")
    assert other.get("/transcripts").get_json() == []
    for answer in (
        other.get(f"/transcripts/{saved}"),
        other.get(f"/transcripts/{saved}/txt"),
        other.patch(f"/transcripts/{saved}", text="mine now", version=0),
        other.delete(f"/transcripts/{saved}"),
        other.get(f"/jobs/{saved}"),
        other.get(f"/jobs/{upload}"),
        other.append(upload, 0, JFK),
        other.web.head(f"/uploads/{upload}", headers=TUS),
        other.web.delete(f"/uploads/{upload}", headers={**other.headers, **TUS}),
        other.get(socket.path),
        other.post(socket.path),
    ):
        assert answer.status_code == 404
    assert mine.get(f"/transcripts/{saved}").status_code == 200


def test_requests_without_a_cookie_are_refused(make):
    """The error says to load the page."""
    web = make().test_client()
    for path in ("/transcripts", "/jobs/x", "/sockets/x"):
        answer = web.get(path)
        assert answer.status_code == 403
        assert "reload the page" in answer.get_json()["error"]


def test_a_forged_cookie_is_rejected(browser):
    """The browser's ID is signed."""
    browser.transcribe()
    cookie = browser.web.get_cookie("azstt").value
    browser.web.set_cookie("azstt", "X" + cookie[1:])
    assert browser.get("/transcripts").status_code == 403


def test_every_answer_has_security_headers(browser):
    """No inline scripts, no framing, no sniffing; nothing personal is cached."""
    for path in ("/", "/transcripts", "/nowhere", "/static/main.js"):
        headers = browser.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert browser.get("/transcripts").headers["Cache-Control"] == "no-store"
    assert "<script>" not in browser.page
    assert "style=" not in browser.page
    assert "//" not in browser.page  # nothing from other sites


def test_the_cookie_is_not_readable_by_scripts(make):
    """It is sent only to this site, and only over HTTPS if the page was loaded that way."""
    web = make().test_client()
    plain = web.get("/").headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    web = make().test_client()
    assert "Secure" in web.get("/", base_url="https://localhost").headers["Set-Cookie"]


def test_the_key_does_not_reach_the_browser(make, monkeypatch):
    """Neither the page nor an error contains it."""
    monkeypatch.setenv("AZURE_SPEECH_KEY", "k3y-of-the-company")
    monkeypatch.setenv("AZURE_SPEECH_HOST", "ws://127.0.0.1:9")
    from azstt.backends.azure import AzureBackend  # noqa: PLC0415 - with this environment

    browser = Browser(make(AzureBackend()))
    last = browser.transcribe()
    assert last["state"] == "error"
    assert "k3y" not in browser.page + str(last)


def test_a_secret_key_is_created_once(tmp_path, monkeypatch):
    """Without one in the environment it is random, stored, and readable only by its owner."""
    config, again = Config(data=tmp_path), Config(data=tmp_path)
    key = config.signing_key()
    assert len(key) >= 32
    assert again.signing_key() == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    monkeypatch.setenv("SECRET_KEY", "from the environment")
    assert Config(data=tmp_path).signing_key() == "from the environment"


def test_debug_is_off(make):
    """No debugger is exposed."""
    app = make()
    assert not app.debug
    assert app.config["MAX_CONTENT_LENGTH"]

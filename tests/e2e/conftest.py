"""Fixtures of the browser tests: certificates, proxies, the emulator, Chromium, and the app.

Everything is real, and nothing leaves this machine.
"""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from driving import chromium, inspection
from driving.app import app
from driving.inspection import Authority
from driving.network import network
from driving.page import Page
from driving.speech import Microphone, Recording

from azstt import emulator
from azstt.backends.azure import AzureBackend, AzureSettings
from azstt.backends.local import LocalBackend

#: A small screen, for small screenshots.
SCREEN = {"width": 760, "height": 640}
#: The screenshots in the documentation.
SHOWN = {"web-upload", "web-live", "web-blocked", "web-phone"}


@pytest.fixture(scope="session")
def recordings(audio, tmp_path_factory):
    """Two voices, of five and three seconds, and both in a row.

    The embedded engine recognizes every word of them, wherever its frames begin, so an error is
    the pipeline's and not the engine's. In jfk.wav it misses one to three words, depending on the
    alignment.
    """
    wizard, gregson = (
        Recording(audio / name) for name in ("librispeech_61.flac", "arctic_a0009.flac")
    )
    both = wizard.then(gregson, tmp_path_factory.mktemp("speech") / "both.wav")
    return {"wizard": wizard, "gregson": gregson, "both": both}


# Browsers.


@pytest.fixture(scope="session")
def playwright():
    """The Playwright driver."""
    library = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if chromium.program() is None:
        pytest.skip("Chromium is not on the PATH: apt-get install chromium")
    with library.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def microphone(tmp_path_factory):
    """The browser's microphone."""
    return Microphone(tmp_path_factory.mktemp("microphone") / "speech.wav")


@pytest.fixture(scope="session")
def browser(playwright, microphone):
    """A browser for all tests, with the microphone."""
    launched = chromium.launch(playwright, microphone.path)
    yield launched
    launched.close()


@pytest.fixture
def visit(browser):
    """Open the page as a new user, and return a `Page`. Options are those of the browser context.

    The test fails if the page logs errors other than the expected ones.
    """
    pages: list[Page] = []

    def open_page(url, *, of=browser, expected_errors="", **options):
        user = {"permissions": ["microphone"], "viewport": SCREEN, **options}
        pages.append(Page(of.new_context(**user), url, expected_errors=expected_errors))
        return pages[-1]

    yield open_page
    for page in pages:
        page.tab.context.close()
    assert [page.errors for page in pages] == [[] for _ in pages]


@pytest.fixture
def shoot(tmp_path):
    """Take screenshots; AZSTT_SCREENSHOTS is the folder for those of the documentation."""
    docs = Path(os.environ.get("AZSTT_SCREENSHOTS", tmp_path))

    def take(page, name):
        folder = docs if name in SHOWN else tmp_path
        page.tab.screenshot(
            path=folder / f"{name}.png", full_page=True, animations="disabled", caret="hide"
        )

    return take


# Recognizers, and the app with each of them.


@pytest.fixture(scope="session")
def service():
    """An emulated Azure Speech service with a real recognizer."""
    with emulator.serve(engine="local") as running:
        yield running


@pytest.fixture(scope="session")
def backends(service):
    """The app's backends."""
    return {"azure": AzureBackend(AzureSettings(host=service.host)), "local": LocalBackend()}


@pytest.fixture(scope="session")
def settings(service):
    """The environment that selects each of them in the app."""
    return {"azure": {"AZURE_SPEECH_HOST": service.host}, "local": {"AZSTT_WEB_BACKEND": "local"}}


@pytest.fixture(scope="session")
def apps(settings, tmp_path_factory):
    """The app with each of them: on Flask's development server, and on gunicorn."""
    folder = tmp_path_factory.mktemp("apps")
    with ExitStack() as stack:
        yield {
            "azure": stack.enter_context(app(folder / "azure", "flask", **settings["azure"])),
            "local": stack.enter_context(app(folder / "local", "gunicorn", **settings["local"])),
        }


@pytest.fixture(scope="session")
def secure_app(authorities, settings, tmp_path_factory):
    """The app with TLS, which an inspecting proxy decrypts."""
    folder = tmp_path_factory.mktemp("secure")
    tls = authorities[1].sign_loopback(folder / "tls")
    with app(folder / "app", "gunicorn", tls=tls, **settings["azure"]) as running:
        yield running


@pytest.fixture
def run_app(tmp_path):
    """Run a separate app for one test, configured by its environment."""
    with ExitStack() as stack:
        yield lambda *how, **settings: stack.enter_context(app(tmp_path / "app", *how, **settings))


@pytest.fixture
def connect():
    """Put an unreliable network in front of a port."""
    with ExitStack() as stack:
        yield lambda port, **how: stack.enter_context(network(port, **how))


# Inspecting proxies.


@pytest.fixture(scope="session")
def authorities(tmp_path_factory):
    """Two certificate authorities: the inspecting proxy's, and a public one."""
    if shutil.which("openssl") is None:
        pytest.skip("creating certificates needs the openssl program")
    folder = tmp_path_factory.mktemp("authorities")
    organization, _, name = inspection.ISSUER.partition(", ")
    return (
        Authority.make(folder / "inspector", organization, name),
        Authority.make(folder / "public", "Example Trust", "Example Root"),
    )


@pytest.fixture
def inspect(authorities, tmp_path):
    """Run inspecting proxies with these authorities; see `inspection`."""
    if inspection.program() is None:
        pytest.skip("mitmproxy is not installed: mitmdump is not on the PATH")
    with ExitStack() as stack:

        def run(**options):
            folder = tmp_path / f"proxy{len(list(tmp_path.glob('proxy*')))}"
            return stack.enter_context(inspection.inspection(folder, *authorities, **options))

        yield run


@pytest.fixture(scope="session")
def secure_service(authorities, tmp_path_factory):
    """An emulated Azure Speech service with TLS, a host name, and a real recognizer."""
    certificate = authorities[1].sign_loopback(tmp_path_factory.mktemp("service") / "tls")
    with emulator.serve(engine="local", host="localhost", tls=certificate) as running:
        yield running

"""The stage of the browser tests: certificates, proxies, the emulator, Chromium, the app.

All of it is real, and nothing leaves this machine.
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

#: A screen that makes small pictures.
SCREEN = {"width": 760, "height": 640}
#: The pictures that the documentation shows.
SHOWN = {"web-upload", "web-live", "web-blocked", "web-phone"}


@pytest.fixture(scope="session")
def recordings(audio, tmp_path_factory):
    """Two voices, of five and three seconds, and one after the other.

    The embedded engine understands them to the last word, wherever in its frames they begin. So
    an error is the chain's and not the engine's: of jfk.wav it mistakes one, two or three words,
    as that falls.
    """
    wizard, gregson = (
        Recording(audio / name) for name in ("librispeech_61.flac", "arctic_a0009.flac")
    )
    both = wizard.then(gregson, tmp_path_factory.mktemp("speech") / "both.wav")
    return {"wizard": wizard, "gregson": gregson, "both": both}


# Browsers.


@pytest.fixture(scope="session")
def playwright():
    """What drives browsers."""
    library = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if chromium.program() is None:
        pytest.skip("there is no Chromium on the PATH: apt-get install chromium")
    with library.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def microphone(tmp_path_factory):
    """What the browser hears."""
    return Microphone(tmp_path_factory.mktemp("microphone") / "speech.wav")


@pytest.fixture(scope="session")
def browser(playwright, microphone):
    """A browser for all tests, which hears the microphone."""
    launched = chromium.launch(playwright, microphone.path)
    yield launched
    launched.close()


@pytest.fixture
def visit(browser):
    """Open the page as a new user: `Page`, with options of the context beside the URL.

    At the end nothing may have gone wrong in it but the troubles that the test makes.
    """
    pages: list[Page] = []

    def open_page(url, *, of=browser, troubles="", **options):
        user = {"permissions": ["microphone"], "viewport": SCREEN, **options}
        pages.append(Page(of.new_context(**user), url, troubles=troubles))
        return pages[-1]

    yield open_page
    for page in pages:
        page.tab.context.close()
    assert [page.complaints for page in pages] == [[] for _ in pages]


@pytest.fixture
def shoot(tmp_path):
    """Take pictures of the page; AZSTT_SCREENSHOTS names the folder for those of the docs."""
    docs = Path(os.environ.get("AZSTT_SCREENSHOTS", tmp_path))

    def take(page, name):
        folder = docs if name in SHOWN else tmp_path
        page.tab.screenshot(
            path=folder / f"{name}.png", full_page=True, animations="disabled", caret="hide"
        )

    return take


# Recognizers, and the app on each of them.


@pytest.fixture(scope="session")
def service():
    """An Azure Speech service that hears what is said."""
    with emulator.serve(engine="local") as running:
        yield running


@pytest.fixture(scope="session")
def backends(service):
    """The backends as the app has them."""
    return {"azure": AzureBackend(AzureSettings(host=service.host)), "local": LocalBackend()}


@pytest.fixture(scope="session")
def settings(service):
    """The environment that leads the app to each of them."""
    return {"azure": {"AZURE_SPEECH_HOST": service.host}, "local": {"AZSTT_WEB_BACKEND": "local"}}


@pytest.fixture(scope="session")
def apps(settings, tmp_path_factory):
    """The app on each of them: by Flask's own server, and by the one that is for production."""
    folder = tmp_path_factory.mktemp("apps")
    with ExitStack() as stack:
        yield {
            "azure": stack.enter_context(app(folder / "azure", "flask", **settings["azure"])),
            "local": stack.enter_context(app(folder / "local", "gunicorn", **settings["local"])),
        }


@pytest.fixture(scope="session")
def secure_app(authorities, settings, tmp_path_factory):
    """The app with TLS, which an inspecting proxy opens."""
    folder = tmp_path_factory.mktemp("secure")
    tls = authorities[1].sign_loopback(folder / "tls")
    with app(folder / "app", "gunicorn", tls=tls, **settings["azure"]) as running:
        yield running


@pytest.fixture
def run_app(tmp_path):
    """Run an app of a test's own, told by its environment."""
    with ExitStack() as stack:
        yield lambda *how, **settings: stack.enter_context(app(tmp_path / "app", *how, **settings))


@pytest.fixture
def connect():
    """Put a network that can fail before a port."""
    with ExitStack() as stack:
        yield lambda port, **how: stack.enter_context(network(port, **how))


# Inspecting proxies.


@pytest.fixture(scope="session")
def authorities(tmp_path_factory):
    """Two certificate authorities: of the inspecting proxy, and of everybody else."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl program to make certificates with")
    folder = tmp_path_factory.mktemp("authorities")
    organization, _, name = inspection.ISSUER.partition(", ")
    return (
        Authority.make(folder / "inspector", organization, name),
        Authority.make(folder / "public", "Example Trust", "Example Root"),
    )


@pytest.fixture
def inspect(authorities, tmp_path):
    """Run inspecting proxies: `inspection`, given where and whom it trusts."""
    if inspection.program() is None:
        pytest.skip("mitmproxy is not installed: there is no mitmdump on the PATH")
    with ExitStack() as stack:

        def run(**options):
            folder = tmp_path / f"proxy{len(list(tmp_path.glob('proxy*')))}"
            return stack.enter_context(inspection.inspection(folder, *authorities, **options))

        yield run


@pytest.fixture(scope="session")
def secure_service(authorities, tmp_path_factory):
    """An Azure Speech service with TLS, under a name, that hears what is said."""
    certificate = authorities[1].sign_loopback(tmp_path_factory.mktemp("service") / "tls")
    with emulator.serve(engine="local", host="localhost", tls=certificate) as running:
        yield running

"""The stage of the browser tests: certificates, proxies, the emulator, Chromium, the app.

All of it is real, and nothing leaves this machine.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack

import pytest
from driving import inspection
from driving.inspection import Authority

from azstt import emulator


@pytest.fixture(scope="session")
def authorities(tmp_path_factory):
    """Two certificate authorities: of the inspecting proxy, and of everybody else."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl program to make certificates with")
    folder = tmp_path_factory.mktemp("authorities")
    organisation, _, name = inspection.ISSUER.partition(", ")
    return (
        Authority.make(folder / "inspector", organisation, name),
        Authority.make(folder / "public", "Example Trust", "Example Root"),
    )


@pytest.fixture
def inspect(authorities, tmp_path):
    """Run inspecting proxies: `inspection`, given where and whom it trusts."""
    if inspection.program() is None:
        pytest.skip("mitmproxy is not installed: there is no mitmdump on the PATH")
    with ExitStack() as running:

        def run(**options):
            folder = tmp_path / f"proxy{len(list(tmp_path.glob('proxy*')))}"
            return running.enter_context(inspection.inspection(folder, *authorities, **options))

        yield run


@pytest.fixture
def service(authorities, tmp_path):
    """An Azure Speech service with TLS, that hears what is said."""
    with emulator.serve(
        engine="local", tls=authorities[1].sign_loopback(tmp_path / "service")
    ) as running:
        yield running

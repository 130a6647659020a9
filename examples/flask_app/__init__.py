"""A web app on top of azstt: upload, record, or speak, and read along.

``flask --app examples/flask_app run``; README.md beside this file tells the rest.
"""

from __future__ import annotations

import warnings
from importlib.resources import files

from flask import Flask, Response, render_template, send_from_directory
from flask.typing import ResponseReturnValue

import azstt
from azstt.backends import RecognizerBackend, resolve

from .config import Config
from .errors import tell_errors
from .live import Live
from .places import Places
from .security import greet, protect
from .sockets import MAX_MESSAGE, Sockets
from .store import Store
from .transcripts import FORMATS, Transcripts
from .uploads import Uploads

#: Bytes of a request, unless a route takes more: four messages of a socket.
_MAX_REQUEST = 4 * MAX_MESSAGE


def create_app(config: Config | None = None, *, backend: RecognizerBackend | None = None) -> Flask:
    """Make the app.

    Args:
        config: None looks in the environment and in ``.env``.
        backend: who recognizes; None is what the config says.

    Raises:
        ConfigurationError: the recognizer is not to be had; says why.
    """
    config = config or Config()
    backend = backend or _backend(config.backend)
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)

    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY=config.signing_key(),
        MAX_CONTENT_LENGTH=_MAX_REQUEST,
        SOCK_SERVER_OPTIONS={"ping_interval": 25, "max_message_size": MAX_MESSAGE},
    )
    protect(app, config.hosts)
    tell_errors(app)

    places, sockets = Places(config.per_client, config.at_once), Sockets()
    store = Store(config.data / "transcripts.sqlite3")
    for routes in (
        sockets,
        Uploads(backend, config, places, sockets, store),
        Live(backend, config, places, sockets, store),
        Transcripts(store),
    ):
        app.register_blueprint(routes.blueprint())

    @app.get("/")
    def page() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction] - Flask calls it
        able = backend.capabilities
        return render_template(
            "index.html",
            backend=backend.name,
            able=able,
            languages=_languages(config.languages.split(), able.languages),
            config=config,
            formats=FORMATS,
            token=greet(),
        )

    @app.get("/azstt/<path:name>", endpoint="static_azstt")
    def script(name: str) -> Response:  # pyright: ignore[reportUnusedFunction] - as above
        return send_from_directory(str(files(azstt) / "js"), name)

    return app


def _backend(name: str | None) -> RecognizerBackend:
    """Find the recognizer; the page says which it is, so that no warning need."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", azstt.BackendFallbackWarning)
        return resolve(name)


def _languages(choices: list[str], known: frozenset[str] | None) -> list[str]:
    """Give the choices that the recognizer knows, as tags or by their bare language.

    Raises:
        ConfigurationError: one is no tag.
    """
    azstt.RecognitionOptions.of({"language": choices})
    if known is None:
        return choices
    return [tag for tag in choices if tag in known or tag.split("-")[0] in known] or sorted(known)

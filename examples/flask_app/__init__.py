"""A web app built on azstt: upload a recording, make one, or get a transcript as you speak.

Run it with ``flask --app examples/flask_app run``; README.md in this folder has the details.
"""

from __future__ import annotations

import warnings
from importlib.resources import files

from flask import Flask, Response, render_template, send_from_directory
from flask.typing import ResponseReturnValue

import azstt
from azstt.backends import RecognizerBackend, resolve

from .config import Config
from .errors import register_error_handlers
from .jobs import Jobs
from .live import Live
from .security import page_token, protect
from .slots import Slots
from .sockets import MAX_MESSAGE, Sockets
from .store import Store
from .transcripts import FORMATS, Transcripts
from .uploads import Uploads

#: The largest request in bytes, unless a route allows more: four socket messages.
_MAX_REQUEST = 4 * MAX_MESSAGE


def create_app(config: Config | None = None, *, backend: RecognizerBackend | None = None) -> Flask:
    """Create the app.

    Args:
        config: the settings; None reads the environment and ``.env``.
        backend: the recognizer to use; None for the one in the settings.

    Raises:
        ConfigurationError: the recognizer is not available; the message says why.
    """
    warnings.simplefilter("ignore", azstt.IncompleteAudioWarning)  # the page says what is missing
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
    register_error_handlers(app)

    sockets, store = Sockets(), Store(config.data / "transcripts.sqlite3")
    store.purge()  # the last server may have stopped before it did
    store.interrupt()  # the last server may have stopped in the middle of something
    jobs = Jobs(store, Slots(config.per_client, config.at_once))
    for routes in (
        sockets,
        jobs,
        Uploads(backend, config, jobs),
        Live(backend, config, sockets, jobs),
        Transcripts(store, jobs),
    ):
        app.register_blueprint(routes.blueprint())

    @app.get("/")
    @app.get("/t/<id_>")  # the same page, which shows that transcript
    def page(**_id: str) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction] - Flask calls it
        capabilities = backend.capabilities
        return render_template(
            "index.html",
            backend=backend.name,
            capabilities=capabilities,
            languages=_languages(config.languages.split(), capabilities.languages),
            config=config,
            formats=FORMATS,
            token=page_token(),
        )

    @app.get("/azstt/<path:name>", endpoint="static_azstt")
    def script(name: str) -> Response:  # pyright: ignore[reportUnusedFunction] - as above
        return send_from_directory(str(files(azstt) / "js"), name)

    return app


def _backend(name: str | None) -> RecognizerBackend:
    """Return the recognizer. The page names it, so no warning is needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", azstt.BackendFallbackWarning)
        return resolve(name)


def _languages(choices: list[str], known: frozenset[str] | None) -> list[str]:
    """Return the choices that the recognizer knows, by tag or by bare language.

    Raises:
        ConfigurationError: a choice is not a valid tag.
    """
    azstt.RecognitionOptions.of({"language": choices})
    if known is None:
        return choices
    return [tag for tag in choices if tag in known or tag.split("-")[0] in known] or sorted(known)

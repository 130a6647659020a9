"""The caller's functions that a live session calls, checked when they are registered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from contextlib import suppress
from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, overload

from azstt._errors import ConfigurationError
from azstt._events import E, Event
from azstt.backends import ReconnectHook


class EventEmitter:
    """What calls functions with its events."""

    _handlers: Handlers

    @overload
    def on(self, kind: type[E], handler: Callable[[E], object]) -> Callable[[], None]: ...
    @overload
    def on(self, kind: UnionType, handler: Callable[[Any], object]) -> Callable[[], None]: ...
    def on(self, kind: type[E] | UnionType, handler: Callable[[Any], object]) -> Callable[[], None]:
        """Call a function with each event of a kind, on the loop; it must return quickly.

        Whatever it raises ends the session, and is raised by the call that waits or comes next:
        an exit (`SystemExit`, `KeyboardInterrupt`), too. May be called from any thread, at any
        time.

        Args:
            kind: an event class, a union such as ``Final | Partial``, or `Event` for all of them.
            handler: a plain function. It may start a task, but not be a coroutine function.

        Returns:
            A function that removes the handler.

        Raises:
            ConfigurationError: ``kind`` is something else; or the handler cannot be called, or is
                a coroutine or generator function, whose body would never run.
        """
        return self._handlers.add(kind, handler)


class Handlers:
    """The caller's functions; whoever drops the session drops them.

    A session's threads must not hold them, as they often refer to the session: a driver keeps a
    weak reference.

    Args:
        on_reconnect: called before each attempt to reconnect.
    """

    def __init__(self, on_reconnect: ReconnectHook | None = None) -> None:
        if on_reconnect is not None:
            check_function("on_reconnect", on_reconnect)
        self.on_reconnect: ReconnectHook | None = on_reconnect
        self._entries: list[tuple[tuple[type, ...], Callable[[Any], object]]] = []

    def add(self, kind: object, handler: Callable[[Any], object]) -> Callable[[], None]:
        """Register a handler; see `EventEmitter.on`."""
        classes = _classes(kind)
        check_function("a handler", handler)
        entry = (classes, handler)
        self._entries.append(entry)

        def remove() -> None:
            with suppress(ValueError):  # removed before
                self._entries.remove(entry)

        return remove

    def call(self, event: Event) -> Iterator[BaseException]:
        """Call the handlers of an event; yield what they raise."""
        for classes, handler in tuple(self._entries):
            if isinstance(event, classes):
                try:
                    check_ran("a handler", handler, handler(event))
                except BaseException as error:  # noqa: BLE001 - raised where somebody waits
                    yield error


def _classes(kind: object) -> tuple[type, ...]:
    """Return the event classes that an argument names."""
    origin = get_origin(kind)
    if origin is Annotated:  # `Event`
        return _classes(get_args(kind)[0])
    classes: tuple[Any, ...] = get_args(kind) if origin in {Union, UnionType} else (kind,)
    if not all(one in get_args(get_args(Event)[0]) for one in classes):
        raise ConfigurationError(
            "on() takes an event class such as azstt.Final, a union of them, or azstt.Event for "
            f"all, not {kind!r}"
        )
    return classes


def check_function(name: str, function: object) -> None:
    """Refuse what cannot be called, or whose body a call would not run.

    Raises:
        ConfigurationError: it is no function, or a coroutine or generator function.
    """
    if not callable(function):
        raise ConfigurationError(f"{name} must be a function, not {function!r}")
    inner: object = function
    while isinstance(inner, partial):
        inner = inner.func
    for one in (inner, type(inner).__call__):
        if iscoroutinefunction(one) or isasyncgenfunction(one) or isgeneratorfunction(one):
            raise _never_runs(name, function)


def check_ran(name: str, function: object, result: object) -> None:
    """Refuse a result that shows that the body did not run: a lambda may return a coroutine.

    Raises:
        ConfigurationError: it is a coroutine or a generator.
    """
    if isinstance(result, Coroutine | Generator | AsyncGenerator):
        if isinstance(result, Coroutine):
            result.close()  # or Python warns that it was never awaited
        raise _never_runs(name, function)


def _never_runs(name: str, function: object) -> ConfigurationError:
    return ConfigurationError(
        f"{name} must be a plain function, not a coroutine or generator function: {function!r}; "
        "it may start a task"
    )

"""Worker threads that the sessions of a process share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Lock, Thread, current_thread
from time import monotonic
from typing import TypeAlias

from azstt._errors import ThrottledError
from azstt._threads import exit as exits

PoolTask: TypeAlias = Callable[[], None]

#: Seconds to wait for a worker to stop: the longest time between two checks for cancellation.
_JOIN_TIMEOUT = 10.0


class Heartbeat:
    """When work that others may wait for last went on, in seconds of `monotonic`. Thread-safe."""

    def __init__(self) -> None:
        self.last: float = monotonic()

    def beat(self) -> None:
        """Note that it goes on."""
        self.last = monotonic()


class _FairQueue:
    """Tasks whose users take turns; those of one user stay in order."""

    def __init__(self) -> None:
        self._tasks: dict[object, deque[PoolTask]] = {}  # the next user comes first

    def __len__(self) -> int:
        return sum(map(len, self._tasks.values()))

    def put(self, task: PoolTask, user: object) -> None:
        self._tasks.setdefault(user, deque()).append(task)

    def take(self) -> PoolTask:
        user = next(iter(self._tasks))
        tasks = self._tasks.pop(user)
        task = tasks.popleft()
        if tasks:
            self._tasks[user] = tasks  # behind the others
        return task


class WorkerPool:
    """A bounded pool of threads, started as work arrives and stopped when the last user leaves.

    Tasks must not raise. Finals go before tasks that may be late, such as partials, and users
    take turns: one with a lot of work delays another by a task for each worker.

    Attributes:
        heartbeat: when a task last went on, was begun, or was done.

    Args:
        size: the maximum number of threads.
    """

    def __init__(self, size: int) -> None:
        self.heartbeat: Heartbeat = Heartbeat()
        self._size: int = size
        self._ready: Condition = Condition()
        self._tasks: _FairQueue = _FairQueue()
        self._later: _FairQueue = _FairQueue()
        self._workers: list[Thread] = []
        self._idle: int = 0
        self._stopped: bool = False

    def submit(self, task: PoolTask, *, user: object = None, later: bool = False) -> None:
        """Queue a task of a user; with ``later`` all others go first."""
        with self._ready:
            (self._later if later else self._tasks).put(task, user)
            waiting = len(self._tasks) + len(self._later)
            if self._idle < waiting and len(self._workers) < self._size:
                worker = Thread(target=self._work, name="azstt-local", daemon=True)
                self._workers.append(worker)
                exits.at_exit(self, WorkerPool.stop, ends=True)
                worker.start()
            self._ready.notify()

    def _work(self) -> None:
        while True:
            with self._ready:
                self._idle += 1
                while not (self._tasks or self._later or self._stopped):
                    self._ready.wait()
                self._idle -= 1
                if not (self._tasks or self._later):
                    return
                task = (self._tasks or self._later).take()
            self.heartbeat.beat()
            task()
            self.heartbeat.beat()
            del task  # it holds audio

    def stop(self) -> None:
        """Stop the threads once the queue is empty, and wait for them."""
        with self._ready:
            self._stopped = True
            self._ready.notify_all()
            workers = [worker for worker in self._workers if worker is not current_thread()]
        for worker in workers:
            worker.join(_JOIN_TIMEOUT)
        exits.forget(self)


class SharedPools:
    """The pools in use, one per size, with the number of their users."""

    def __init__(self) -> None:
        self._lock: Lock = Lock()
        self._pools: dict[int, tuple[WorkerPool, int]] = {}

    def enter(self, size: int, *, limit: int | None = None) -> WorkerPool:
        """Return the pool of a size; every call is paired with one of `leave`.

        Args:
            size: the number of threads.
            limit: how many users all pools together may have; None is any number.

        Raises:
            ThrottledError: they have that many.
        """
        with self._lock:
            users = sum(users for _, users in self._pools.values())
            if limit is not None and users >= limit:
                raise ThrottledError(
                    f"{users} session{'s are' if users > 1 else ' is'} open in this process, and "
                    f"max_sessions is {limit}",
                    backend="local",
                    hint="close one, try again later, or raise max_sessions",
                )
            pool, users = self._pools.get(size) or (WorkerPool(size), 0)
            self._pools[size] = (pool, users + 1)
            return pool

    def leave(self, size: int) -> None:
        """Release the pool of a size; the last user stops its threads and waits for them."""
        with self._lock:
            pool, users = self._pools[size]
            if users > 1:
                self._pools[size] = (pool, users - 1)
                return
            del self._pools[size]
        pool.stop()


#: The pools of this process.
pools = SharedPools()

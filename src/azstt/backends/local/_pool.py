"""Worker threads that the sessions of a process share."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Lock, Thread, current_thread
from typing import TypeAlias

from azstt._threads import exit as exits

Job: TypeAlias = Callable[[], None]

#: Seconds to wait for a worker that is told to leave: the longest step between two looks.
_PATIENCE = 10.0


class WorkerPool:
    """A bounded crew of threads, made as work comes and gone when the last user leaves.

    Jobs must not raise. Those that somebody waits for go before those that may be late.

    Args:
        size: how many threads at most.
    """

    def __init__(self, size: int) -> None:
        self._size: int = size
        self._ready: Condition = Condition()
        self._jobs: deque[Job] = deque()
        self._later: deque[Job] = deque()
        self._crew: list[Thread] = []
        self._idle: int = 0
        self._over: bool = False

    def submit(self, job: Job, *, later: bool = False) -> None:
        """Queue a job; ``later`` lets all others go first."""
        with self._ready:
            (self._later if later else self._jobs).append(job)
            waiting = len(self._jobs) + len(self._later)
            if self._idle < waiting and len(self._crew) < self._size:
                worker = Thread(target=self._work, name="azstt-local", daemon=True)
                self._crew.append(worker)
                exits.at_exit(self, WorkerPool.stop)
                worker.start()
            self._ready.notify()

    def _work(self) -> None:
        while True:
            with self._ready:
                self._idle += 1
                while not (self._jobs or self._later or self._over):
                    self._ready.wait()
                self._idle -= 1
                if not (self._jobs or self._later):
                    return
                job = (self._jobs or self._later).popleft()
            job()
            del job  # it holds audio

    def stop(self) -> None:
        """End the threads once the queue is empty, and wait for them."""
        with self._ready:
            self._over = True
            self._ready.notify_all()
            crew = [worker for worker in self._crew if worker is not current_thread()]
        for worker in crew:
            worker.join(_PATIENCE)
        exits.forget(self)


class SharedPools:
    """The pools in use, one a size: their users come and go."""

    def __init__(self) -> None:
        self._lock: Lock = Lock()
        self._pools: dict[int, tuple[WorkerPool, int]] = {}

    def enter(self, size: int) -> WorkerPool:
        """Become a user of the pool of a size; `leave` it in the end."""
        with self._lock:
            pool, users = self._pools.get(size) or (WorkerPool(size), 0)
            self._pools[size] = (pool, users + 1)
            return pool

    def leave(self, size: int) -> None:
        """Be a user no longer; the last one ends the threads and waits for them."""
        with self._lock:
            pool, users = self._pools[size]
            if users > 1:
                self._pools[size] = (pool, users - 1)
                return
            del self._pools[size]
        pool.stop()


#: The pools of this process.
pools = SharedPools()

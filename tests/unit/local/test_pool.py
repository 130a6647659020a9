import threading
from functools import partial

import pytest

from azstt.backends.local._pool import SharedPools, WorkerPool

pytestmark = pytest.mark.usefixtures("no_thread_left")
SOON = 10.0


def each(*steps):
    """Return a task of several steps."""
    return lambda: [step() for step in steps]


@pytest.fixture
def pool():
    """Two workers, stopped in the end."""
    pool = WorkerPool(2)
    yield pool
    pool.stop()


def test_threads_come_with_the_work(pool):
    """No thread starts before there is a task, and never more than the pool's size."""
    before = threading.active_count()
    gate, done = threading.Event(), threading.Semaphore(0)
    for _ in range(5):
        pool.submit(each(lambda: gate.wait(SOON), done.release))
    assert threading.active_count() == before + 2
    gate.set()
    assert all(done.acquire(timeout=SOON) for _ in range(5))


def test_idle_thread_is_used_again(pool):
    """Tasks that come one after the other all run in one thread."""
    names = []
    for _ in range(5):
        done = threading.Event()
        pool.submit(each(lambda: names.append(threading.get_ident()), done.set))
        assert done.wait(SOON)
        while not pool._idle:
            pass
    assert len(set(names)) == 1


def test_later_tasks_wait():
    """Tasks that may be late run after all others."""
    pool = WorkerPool(1)
    gate, order, begun = threading.Event(), [], threading.Event()
    pool.submit(each(begun.set, lambda: gate.wait(SOON)))
    assert begun.wait(SOON)
    pool.submit(lambda: order.append("late"), later=True)
    pool.submit(lambda: order.append("soon"))
    gate.set()
    pool.stop()
    assert order == ["soon", "late"]


def test_users_take_turns():
    """A user with a lot of work delays another by one task."""
    pool = WorkerPool(1)
    gate, order, begun = threading.Event(), [], threading.Event()
    pool.submit(each(begun.set, lambda: gate.wait(SOON)))
    assert begun.wait(SOON)
    for number in range(3):
        pool.submit(partial(order.append, f"much {number}"), user="much")
    pool.submit(lambda: order.append("little"), user="little")
    gate.set()
    pool.stop()
    assert order == ["much 0", "little", "much 1", "much 2"]


def test_worker_may_stop_its_own_pool():
    """A task that stops the pool does not wait for itself."""
    pool = WorkerPool(1)
    stopped = threading.Event()
    pool.submit(each(pool.stop, stopped.set))
    assert stopped.wait(SOON)


def test_users_share_a_pool():
    """Users of one size share the threads; the last one to leave ends them."""
    shared = SharedPools()
    one, two, other = shared.enter(2), shared.enter(2), shared.enter(3)
    assert one is two
    assert other is not one
    done = threading.Event()
    shared.leave(2)
    one.submit(done.set)
    assert done.wait(SOON)
    before = threading.active_count()
    shared.leave(2)
    assert threading.active_count() == before - 1
    shared.leave(3)
    again = shared.enter(2)
    assert again is not one
    shared.leave(2)

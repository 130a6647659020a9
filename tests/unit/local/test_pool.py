import threading

import pytest

from azstt.backends.local._pool import SharedPools, WorkerPool

pytestmark = pytest.mark.usefixtures("no_thread_left")
SOON = 10.0


def each(*steps):
    """Make a job of several steps."""
    return lambda: [step() for step in steps]


@pytest.fixture
def pool():
    """Two workers, sent home in the end."""
    pool = WorkerPool(2)
    yield pool
    pool.stop()


def test_threads_come_with_the_work(pool):
    """No thread is made before there is a job, and never more than asked for."""
    before = threading.active_count()
    gate, done = threading.Event(), threading.Semaphore(0)
    for _ in range(5):
        pool.submit(each(lambda: gate.wait(SOON), done.release))
    assert threading.active_count() == before + 2
    gate.set()
    assert all(done.acquire(timeout=SOON) for _ in range(5))


def test_idle_thread_is_used_again(pool):
    """Jobs one after the other are all done by one thread."""
    names = []
    for _ in range(5):
        done = threading.Event()
        pool.submit(each(lambda: names.append(threading.get_ident()), done.set))
        assert done.wait(SOON)
        while not pool._idle:
            pass
    assert len(set(names)) == 1


def test_later_jobs_wait():
    """What somebody waits for goes before what may be late."""
    pool = WorkerPool(1)
    gate, order, begun = threading.Event(), [], threading.Event()
    pool.submit(each(begun.set, lambda: gate.wait(SOON)))
    assert begun.wait(SOON)
    pool.submit(lambda: order.append("late"), later=True)
    pool.submit(lambda: order.append("soon"))
    gate.set()
    pool.stop()
    assert order == ["soon", "late"]


def test_worker_may_stop_its_own_pool():
    """A job that ends the pool is not waited for by itself."""
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

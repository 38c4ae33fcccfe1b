import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from feedpub import batches
from feedpub.config import Site
from feedpub.errors import PublishError
from feedpub.extraction import ExtractSettings
from feedpub.models import Document
from feedpub.sources import Changed
from feedpub.workers import WorkerDiedError, Workers


def square(number: int) -> int:
    return number * number


def slow_if_even(number: int) -> tuple[int, int]:
    time.sleep(0.02 if number % 2 == 0 else 0)
    return number, os.getpid()


def die(number: int) -> int:
    os.kill(os.getpid(), 9)
    return number


def fail(number: int) -> int:
    if number == 3:
        raise PublishError("no room", path="/feeds")
    return number


def chatty(number: int) -> int:
    print("a library says something")  # noqa: T201
    return number


def test_results_come_in_the_order_of_the_chunks_and_from_several_processes() -> None:
    with Workers(2) as pool:
        found = list(pool.map(slow_if_even, range(40)))
    assert [chunk for chunk, _ in found] == list(range(40))
    assert [number for _, (number, _) in found] == list(range(40))
    assert len({pid for _, (_, pid) in found}) > 1


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_result_does_not_depend_on_the_number_of_processes(count: int) -> None:
    with Workers(count) as pool:
        assert [result for _, result in pool.map(square, range(30))] == [n * n for n in range(30)]


def test_few_chunks_start_no_process() -> None:
    with Workers(2) as pool:
        pids = {pid for _, (_, pid) in pool.map(slow_if_even, range(4), alone=True)}
    assert pids == {os.getpid()}


def test_an_exception_comes_out_where_its_chunk_is_due_with_all_it_says() -> None:
    done = []
    with Workers(2) as pool, pytest.raises(PublishError, match="no room") as caught:
        for _, number in pool.map(fail, range(9)):
            done.append(number)
    assert done == [0, 1, 2]
    assert caught.value.path == "/feeds"


def test_what_a_library_prints_does_not_come_between() -> None:
    with Workers(1) as pool:
        assert pool.call(chatty, 4) == 4


def test_a_process_that_dies_is_replaced() -> None:
    with Workers(1) as pool:
        with pytest.raises(WorkerDiedError):
            pool.call(die, 1)
        assert pool.call(square, 3) == 9


def test_chunks_are_drawn_only_a_few_ahead() -> None:
    drawn: list[int] = []

    def chunks() -> Iterator[int]:
        for number in range(50):
            drawn.append(number)
            yield number

    with Workers(2) as pool:
        results = pool.map(square, chunks())
        next(results)
        assert len(drawn) < 10


def test_no_process_outlives_the_pool() -> None:
    with Workers(2) as pool:
        pid = pool.call(os.getpgid, 0) and pool.call(_own_pid, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def sleep_in_another(number: int) -> int:
    time.sleep(30 if number else 0)
    return os.getpid()


def test_a_pool_that_is_left_midway_ends_at_once_and_starts_nothing_more() -> None:
    started = time.monotonic()
    with Workers(2) as pool:
        pids = [pool.call(_own_pid, 0)]
        threading.Timer(0.5, pool.close).start()
        with pytest.raises(WorkerDiedError):
            pool.call(sleep_in_another, 1)
    with pytest.raises(WorkerDiedError):
        pool.call(square, 1)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert time.monotonic() - started < 20


def _own_pid(_: int) -> int:
    return os.getpid()


def test_processes_end_with_the_program_that_started_them() -> None:
    program = (
        "import os; from feedpub.workers import Workers; from tests.test_workers import _own_pid\n"
        "print(Workers(1).call(_own_pid, 0), flush=True); os._exit(1)"
    )
    output = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    ).stdout
    pid = int(output)
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("the process is still there")


def test_a_publisher_that_is_killed_leaves_no_complaint() -> None:
    program = (
        "import os, threading; from feedpub.workers import Workers; from tests.test_workers import slow_answer\n"
        "threading.Timer(0.5, os._exit, (1,)).start(); Workers(1).call(slow_answer, 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")


def slow_answer(_: int) -> bytes:
    time.sleep(1)
    return bytes(1_000_000)


def test_where_python_cannot_start_itself_the_work_is_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("/nowhere/python", "/bin/echo"):
        monkeypatch.setattr(sys, "executable", program)
        with Workers(1) as pool:
            assert [result for _, result in pool.map(slow_if_even, [1, 3])] == [
                (1, os.getpid()),
                (3, os.getpid()),
            ]


def test_a_document_that_breaks_the_reader_costs_only_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    good = Changed(Document("s", "good.txt", b"A headline\n\nA text.", "text/plain"), "1", "d1")
    bad = replace(good, document=replace(good.document, place="bad.txt"))

    class Fragile(Workers):
        def call(self, function, chunk):
            if chunk[0] is bad:
                raise WorkerDiedError
            return function(chunk)

    site = Site(title="News", url="https://news.example/")
    found = batches.read_one_by_one([good, bad], Fragile(1), settings=ExtractSettings(), site=site)
    assert found["good.txt"].article is not None
    (problem,) = found["bad.txt"].refused
    assert (problem.rule, problem.severity) == ("reader-crashed", "error")

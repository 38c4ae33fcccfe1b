"""Processes that take work off the publisher: reading documents and rendering pages, on every processor.

They are programs of their own, fed through pipes, and not forks: a fork would carry the store's
connection along, and the standard library's pools import the caller's program anew. A task is a
function that can be pickled and a chunk of work; what comes back is in the order of the chunks. If
no process can be started, everything is done here, only slower.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import IO, Any, Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

_LIMIT = 8
"""More processes than this wait for the one that writes the store."""

_HELLO = b"feedpub worker\n"
_COMMAND = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from feedpub.workers import _serve; _serve()"
)


class WorkerDiedError(Exception):
    """The process ended in the midst of a task: its memory ran out, or a library crashed."""


class Workers:
    """A pool of such processes. The first task starts them; `close` (or `with`) ends them.

    Args:
        count: how many processes; None for one fewer than there are processors. With 0, tasks are
            done in this process.
    """

    def __init__(self, count: int | None = None) -> None:
        self._count = min(_LIMIT, _processors() - 1) if count is None else count
        self._idle: queue.SimpleQueue[_Process] = queue.SimpleQueue()
        self._started: list[_Process] = []
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._closed = False

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, what they are doing included."""
        self._closed = True
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)
        with self._lock:
            for process in self._started:
                process.end()
            self._started.clear()
        if threads is not None:
            threads.shutdown(wait=True)

    def map(
        self,
        function: Callable[[T], R],
        chunks: Iterable[T],
        *,
        alone: bool = False,
        died: Callable[[T], R] | None = None,
    ) -> Iterator[tuple[T, R]]:
        """`function` of each chunk, in order, with the chunk; a few chunks are drawn ahead.

        This process does its share while it would wait. Exceptions come out where their chunk is due.

        Args:
            function: importable by name; `functools.partial` of such a one is fine.
            chunks: what to do.
            alone: there is too little to do for starting processes.
            died: what to do instead with a chunk in whose midst a process ended; None for
                `function`, here.
        """
        if alone or self._count < 1:
            yield from ((chunk, function(chunk)) for chunk in chunks)
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._count, thread_name_prefix="feedpub-worker")
        ahead: deque[_Task[T, R]] = deque()
        source = iter(chunks)
        while True:
            while len(ahead) < 2 * self._count + 1 and (chunk := next(source, None)) is not None:
                ahead.append(_Task(chunk, self._threads.submit(self._run, function, chunk, died or function)))
            if not ahead:
                return
            head = ahead[0]
            if not head.is_done():
                mine = next((task for task in ahead if task.take()), None)
                if mine is not None:
                    mine.do(function)
                    continue
            ahead.popleft()
            yield head.chunk, head.result()

    def _run(self, function: Callable[[T], R], chunk: T, died: Callable[[T], R]) -> R:
        try:
            return self.call(function, chunk)
        except WorkerDiedError:
            if self._closed:
                raise
            return died(chunk)

    def call(self, function: Callable[[T], R], chunk: T) -> R:
        """`function` of `chunk`, in another process if there can be one.

        Raises:
            WorkerDiedError: the process ended in the midst of it.
        """
        process = self._process()
        if process is None:
            return function(chunk)
        try:
            succeeded, result = process.call(function, chunk)
        except WorkerDiedError:
            self._forget(process)
            raise
        self._idle.put(process)
        if not succeeded:
            raise result
        return result  # type: ignore[no-any-return]

    def _process(self) -> _Process | None:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        with self._lock:
            if self._closed:
                raise WorkerDiedError
            process = _Process.start()
            if process is not None:
                self._started.append(process)
        return process

    def _forget(self, process: _Process) -> None:
        with self._lock, contextlib.suppress(ValueError):
            self._started.remove(process)
        process.end()


class _Task(Generic[T, R]):
    """One chunk: done by a process, or taken back and done here."""

    def __init__(self, chunk: T, future: Future[R]) -> None:
        self.chunk = chunk
        self._future = future

    def is_done(self) -> bool:
        return self._future.done()

    def take(self) -> bool:
        """Take it back, if nobody has begun with it."""
        return not self._future.done() and self._future.cancel()

    def do(self, function: Callable[[T], R]) -> None:
        self._future = Future()
        try:
            self._future.set_result(function(self.chunk))
        except Exception as error:  # it comes out where the chunk is due
            self._future.set_exception(error)

    def result(self) -> R:
        return self._future.result()


class _Process:
    """One process and the pipes to it."""

    def __init__(self, process: subprocess.Popen[bytes], send: IO[bytes], receive: IO[bytes]) -> None:
        self._process = process
        self._send = send
        self._receive = receive

    @classmethod
    def start(cls) -> _Process | None:
        """A process that has said that it is ready, or None if this Python cannot start one."""
        try:
            process = subprocess.Popen(  # noqa: S603 - this Python
                [sys.executable, "-c", _COMMAND, json.dumps(sys.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except (OSError, ValueError):
            return None
        if process.stdin is None or process.stdout is None:
            return None
        started = cls(process, process.stdin, process.stdout)
        # Where Python is embedded, sys.executable may be another program.
        if process.stdout.read(len(_HELLO)) != _HELLO:
            started.end()
            return None
        return started

    def call(self, function: Callable[[Any], Any], chunk: Any) -> tuple[bool, Any]:
        """Whether `function` of `chunk` succeeded, and its result or its exception."""
        try:
            pickle.dump((function, chunk), self._send, pickle.HIGHEST_PROTOCOL)
            self._send.flush()
            succeeded, result = pickle.load(self._receive)  # noqa: S301 - our own process
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise WorkerDiedError from error
        return bool(succeeded), result

    def end(self) -> None:
        """Kill it: it holds nothing that could be lost."""
        self._process.kill()
        for pipe in (self._send, self._receive):
            with contextlib.suppress(OSError):
                pipe.close()
        self._process.wait()


def _processors() -> int:
    with contextlib.suppress(AttributeError):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _serve() -> None:
    """The process itself: carry out tasks until the publisher has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the publisher decides
    receive, send = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # Nothing that a library prints may come between.
    os.dup2(2, 1)
    send.write(_HELLO)
    send.flush()
    while True:
        try:
            function, chunk = pickle.load(receive)  # noqa: S301 - from the publisher
        except EOFError:
            return
        try:
            answer = (True, function(chunk))
        except Exception as error:
            answer = (False, error)
        try:
            pickle.dump(answer, send, pickle.HIGHEST_PROTOCOL)
            send.flush()
        except BrokenPipeError:  # the publisher was killed
            os._exit(0)

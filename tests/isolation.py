"""A child process that lives under worse conditions than this one: no rights, a full disk, a bound on memory.

What the child changes about itself ends with it, so that nothing stays mounted and no limit stays set.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_NOT_ALLOWED = 77
_SECONDS = 60
_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
_CAPABILITY_VERSION = 0x20080522
_DAC_OVERRIDE, _DAC_READ_SEARCH = 1, 2
_PR_CAPBSET_DROP = 24


class NotAllowedError(Exception):
    """This machine does not let the test make the conditions that it needs."""


def in_child(function: Callable[[], Any]) -> Any:
    """What `function` returns (JSON) in a forked child; its assertions fail the test, its refusals skip it."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            signal.alarm(_SECONDS)
            answer = json.dumps(function()).encode()
            code = 0
        except NotAllowedError as error:
            answer, code = str(error).encode(), _NOT_ALLOWED
        except BaseException:
            answer = traceback.format_exc().encode()
        finally:
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(answer)
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code == _NOT_ALLOWED:
        pytest.skip(said.decode())
    if code != 0:
        pytest.fail(f"the child ended with {code}\n{said.decode()}", pytrace=False)
    return json.loads(said)


def obey_permissions() -> None:
    """Give up root's right to read and write whatever it likes. Others never had it."""
    if os.geteuid() != 0:
        return
    if not sys.platform.startswith("linux"):
        raise NotAllowedError("root may read everything here")
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (_DAC_OVERRIDE, _DAC_READ_SEARCH):
        libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)  # nor may a program that the child starts
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()
    if libc.capget(header, data) != 0:
        raise NotAllowedError("capabilities cannot be read here")
    kept = ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH) & 0xFFFFFFFF
    data[0] &= kept
    data[1] &= kept
    if libc.capset(header, data) != 0:
        raise NotAllowedError("capabilities cannot be given up here")


def own_mounts() -> None:
    """See mounts of one's own, which end with this process."""
    if not sys.platform.startswith("linux"):
        raise NotAllowedError("mounts of one's own need Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_CLONE_NEWNS | (_CLONE_NEWUSER if user else 0)) != 0:
        raise NotAllowedError("mounts of one's own are not allowed here")
    if user:
        try:
            for name, line in (
                ("setgroups", "deny"),
                ("uid_map", f"0 {user} 1"),
                ("gid_map", f"0 {group} 1"),
            ):
                Path(f"/proc/self/{name}").write_text(line)
        except OSError as error:
            raise NotAllowedError("user name spaces are not allowed here") from error
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE, None)


def mount_small_disk(path: str, kilobytes: int) -> None:
    """An empty disk of this size at `path`; needs `own_mounts`."""
    _mount("tmpfs", path, "tmpfs", 0, f"size={kilobytes}k")


def grow_small_disk(path: str, kilobytes: int) -> None:
    """Make room on it."""
    _mount("tmpfs", path, "tmpfs", _MS_REMOUNT, f"size={kilobytes}k")


def mount_read_only(path: str) -> None:
    """The same folder at the same path, but read-only; needs `own_mounts`."""
    _mount(path, path, None, _MS_BIND, None)
    _mount(path, path, None, _MS_BIND | _MS_REMOUNT | _MS_RDONLY, None)


def unmount(path: str) -> None:
    """Take the topmost mount at `path` away."""
    if ctypes.CDLL(None, use_errno=True).umount2(path.encode(), 0) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), path)


def limit_file_size(size: int) -> None:
    """No file may grow beyond `size` bytes: writing more fails with "File too large"."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def peak_memory() -> int:
    """The most memory that this process has held so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None) -> None:
    arguments = [value.encode() if value is not None else None for value in (source, target, kind)]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(*arguments, ctypes.c_ulong(flags), options.encode() if options else None) != 0:
        raise NotAllowedError(f"mounting is not allowed here: {os.strerror(ctypes.get_errno())}")

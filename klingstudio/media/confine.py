"""What a process that opens files of strangers gives up for good: the network, and starting other programs.

Linux lets any process do so, and at no cost; elsewhere nothing happens here. Whoever finds a way to make a decoder run
code of theirs can then neither send anything away nor go on after the call has ended.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Mapping
from typing import NamedTuple

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_PR_SET_NO_NEW_PRIVS = 38
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
_OF_THE_CALL, _OF_THE_MACHINE = 0, 4
"""Where its number and the machine's kind lie in what the kernel hands to the filter."""


class _Machine(NamedTuple):
    audit: int
    calls: tuple[int, ...]
    """socket, socketpair, execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup."""


_MACHINES: Mapping[str, _Machine] = {
    "x86_64": _Machine(0xC000003E, (41, 53, 59, 322, 101, 310, 311, 425)),
    "aarch64": _Machine(0xC00000B7, (198, 199, 221, 281, 117, 270, 271, 425)),
}
"""Source: the tables of system calls in Linux 6.1, arch/x86/entry/syscalls and include/uapi/asm-generic/unistd.h."""
_X32 = 0x40000000
"""From here on the same calls have other numbers, which nobody here uses."""


def confine() -> bool:
    """Give it up, for this process and all it may yet start. False: this system knows no such thing, or not for us."""
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    libc = ctypes.CDLL(None)
    # An address is longer than what is passed on where nothing is said.
    libc.prctl.argtypes = (ctypes.c_int, *(ctypes.c_ulong,) * 4)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    rules = _rules(machine)
    code = ctypes.create_string_buffer(b"".join(rules))
    # The kernel's sock_fprog: a count, padding, and where the rules lie.
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(rules), ctypes.addressof(code)))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0) == 0)


def _rules(machine: _Machine) -> list[bytes]:
    """In the kernel's own small language: a jump counts the rules that it leaves out."""
    count = len(machine.calls)
    return [
        _rule(_LOAD, _OF_THE_MACHINE),
        _rule(_EQUAL, machine.audit, otherwise=count + 3),
        _rule(_LOAD, _OF_THE_CALL),
        _rule(_AT_LEAST, _X32, then=count + 1),
        *(_rule(_EQUAL, call, then=count - place) for place, call in enumerate(machine.calls)),
        _rule(_RETURN, _ALLOW),
        _rule(_RETURN, _REFUSE),
    ]


def _rule(what: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("HBBI", what, then, otherwise, value)

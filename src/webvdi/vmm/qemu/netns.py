"""Fences a guest's network, then becomes QEMU: ``netns.py FENCE.json [PROGRAM [ARGUMENT …]]``.

Without a program the fence is built, taken down, and nothing said if that worked.

Standard library only, run like the shepherd.  In a network namespace of its own the program
finds one interface, ``tap0``, served by slirp4netns from outside: it leads to the host's name
service and to wherever the host's *outgoing* connections get, except for the addresses that
FENCE.json lists as unreachable.  QEMU's own user network runs inside and cannot widen this.

slirp4netns holds one end of a pipe and the program the other: it ends when the program does,
whatever happens to everybody else.  An ordinary user gets a user namespace as well.
"""

import contextlib
import ctypes
import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

Pipe: TypeAlias = tuple[int, int]
"""Read end, write end."""

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
"""clone(2)."""
MS_BIND, MS_REC, MS_SLAVE = 0x1000, 0x4000, 0x80000
"""mount(2)."""
PR_CAPBSET_READ, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 23, 24, 36
"""prctl(2)."""
KEPT_CAPABILITIES = (1, 2)
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: what root needs to open other users' disks."""
MAX_CAPABILITIES = 64
"""The kernel's sets have 64 bits (capget(2))."""
READY_TIMEOUT_S = 10.0
"""slirp4netns takes 0.05 s on an idle host."""
PASSED_FDS = (3, 4)
"""QEMU's monitor sockets, which slirp4netns has no use for."""

libc = ctypes.CDLL(None, use_errno=True)


def main() -> int:
    """Build the fence, then exec the program; on failure say why and return 1."""
    fence, program = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2:]
    if not program and _is_parent_of_trial():
        return _wait_for_all()
    try:
        _enter(fence)
        if not program:
            return 0
        _drop_capabilities()
        os.execvp(program[0], program)  # noqa: S606 - that is what it is for
    except OSError as error:
        sys.stderr.write(f"the isolated network could not be made: {error}\n")
    return 1


def _is_parent_of_trial() -> bool:
    """Fork; the parent stays to collect slirp4netns, which not every process 1 would do."""
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return os.fork() != 0


def _wait_for_all() -> int:
    """1 if any child failed."""
    failed = 0
    with contextlib.suppress(ChildProcessError):
        while True:
            failed |= os.wait()[1] != 0
    return failed


def _enter(fence: dict[str, Any]) -> None:
    unshared, ready, keep = os.pipe(), os.pipe(), os.pipe()
    _start_slirp(fence["slirp4netns"], unshared, ready, keep)
    for fd in (unshared[0], ready[1], keep[0]):
        os.close(fd)
    _unshare()
    os.write(unshared[1], b"!")
    if not select.select([ready[0]], [], [], READY_TIMEOUT_S)[0] or not os.read(ready[0], 1):
        raise OSError("slirp4netns did not get ready")
    _mount_resolv_conf(fence["resolv_conf"])
    _close_ways(fence["ip"], fence["unreachable"])
    os.set_inheritable(keep[1], True)  # it closes when the program ends, and with it slirp4netns


def _start_slirp(argv: list[str], unshared: Pipe, ready: Pipe, keep: Pipe) -> None:
    """Start slirp4netns outside, as a grandchild: the program will not wait for children."""
    program = os.getpid()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        for fd in (unshared[1], ready[0], keep[1]):
            os.close(fd)
        if not os.fork():
            _become_slirp(argv, unshared[0], ready[1], keep[0], program)
    finally:
        os._exit(0)


def _become_slirp(argv: list[str], go: int, ready: int, keep: int, program: int) -> NoReturn:
    try:
        if not os.read(go, 1):
            os._exit(0)  # the program has given up
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)
        for fd in (ready, keep):
            os.set_inheritable(fd, True)
        for fd in set(PASSED_FDS) - {ready, keep}:
            with contextlib.suppress(OSError):
                os.close(fd)
        words = [*argv, f"--ready-fd={ready}", f"--exit-fd={keep}", str(program), "tap0"]
        os.execvp(words[0], words)  # noqa: S606 - likewise
    except OSError as error:
        os.write(2, f"cannot run {argv[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(1)


def _unshare() -> None:
    spaces = CLONE_NEWNET | CLONE_NEWNS
    if os.geteuid() == 0 and libc.unshare(spaces) == 0:
        return
    user, group = os.geteuid(), os.getegid()
    _check(libc.unshare(spaces | CLONE_NEWUSER), "unshare")
    for name, text in (
        ("setgroups", "deny"),  # user_namespaces(7): before gid_map
        ("uid_map", f"0 {user} 1"),
        ("gid_map", f"0 {group} 1"),
    ):
        Path(f"/proc/self/{name}").write_text(text, encoding="ascii")


def _mount_resolv_conf(path: str) -> None:
    """Let QEMU's name service ask slirp4netns's, not the host's, which it cannot reach."""
    _check(libc.mount(None, b"/", None, MS_REC | MS_SLAVE, None), "mount")
    target = os.fsencode(Path("/etc/resolv.conf").resolve())
    _check(libc.mount(os.fsencode(path), target, None, MS_BIND, None), "mount")


def _close_ways(ip: str, unreachable: list[str]) -> None:
    with contextlib.suppress(OSError):  # a second lock: slirp4netns serves no IPv6 anyway
        Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1", encoding="ascii")
    lines = "".join(f"route add unreachable {network}\n" for network in unreachable)
    done = subprocess.run([ip, "-batch", "-"], input=lines.encode(), capture_output=True)
    if done.returncode:
        raise OSError(done.stderr.decode(errors="replace").strip() or "ip failed")


def _drop_capabilities() -> None:
    """Leave the program no right to change its routes; takes effect at exec."""
    for capability in range(MAX_CAPABILITIES):
        if libc.prctl(PR_CAPBSET_READ, capability, 0, 0, 0) < 0:
            return  # past the last one that this kernel knows
        if capability not in KEPT_CAPABILITIES:
            _check(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "prctl")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    sys.exit(main())

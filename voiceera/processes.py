"""Processes that end in order: children never outlive their parent, signals ask before they end."""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

STOPPED_BY_SIGNAL = 130
"""The exit status of a program that a signal asked to end."""

_LAST_WORDS_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1  # prctl(2)


def process_name(pid: int | None = None) -> str:
    """What a process of this machine (None: this one) is called among the others."""
    return f"{socket.gethostname()}:{os.getpid() if pid is None else pid}"


def module(name: str) -> list[str]:
    """The command that runs one of our modules. `-P`: what lies in the current directory is none of them."""
    return [sys.executable, "-P", "-m", name]


def ending_signals() -> tuple[signal.Signals, ...]:
    """Those that ask us to end; a terminal that closes does too, unless `nohup` said otherwise."""
    asked = (signal.SIGINT, signal.SIGTERM)
    return asked if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (*asked, signal.SIGHUP)


def stop_on_signals(stop: asyncio.Event) -> None:
    """The first ending signal sets `stop`, the second ends the process at once. Called on the event loop."""

    def heard() -> None:
        if stop.is_set():
            os._exit(STOPPED_BY_SIGNAL)
        stop.set()

    for number in ending_signals():
        asyncio.get_running_loop().add_signal_handler(number, heard)


def die_with_parent(signal_number: int = signal.SIGKILL) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends the child `signal_number` when its parent ends, even by kill -9.

    The kernel watches the *thread* that forked, so start children from the main thread. `subprocess` runs this
    after it has changed the user, which is needed: a setuid clears the wish. Elsewhere than Linux it does nothing.
    """
    if sys.platform != "linux":
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_kernel() -> None:
        prctl(_PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # it ended before the kernel was asked
            os._exit(1)

    return ask_kernel


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for `process` to end; its return code. No thread is held, so any number may be waited for."""
    if process.poll() is not None:
        return process.returncode
    try:
        descriptor = os.pidfd_open(process.pid)
    except (AttributeError, OSError):  # not Linux, or an old one
        while process.poll() is None:  # noqa: ASYNC110 — nothing tells us there
            await asyncio.sleep(0.1)
        return process.returncode
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(descriptor, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()


async def end_piped(process: asyncio.subprocess.Process, reader: asyncio.Task[None]) -> None:
    """Close the standard input of a child that ends at its end, and wait until it has ended; one that lingers is
    killed, and so is every one when we are cancelled. `reader`: what reads its output, up to the end.

    The transports of its pipes close when the loop has seen the child end, so leaving earlier would leave them open
    for the garbage collector to find, long after and anywhere.
    """
    assert process.stdin is not None
    process.stdin.close()
    try:
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _LAST_WORDS_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reader

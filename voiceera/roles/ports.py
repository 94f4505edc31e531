"""Binding a port, and saying plainly which one is taken."""

import errno
import socket

from voiceera.errors import StartupError


def bound_socket(host: str, port: int, setting: str) -> socket.socket:
    """A listening TCP socket; `port` 0 has one picked. Raises StartupError that names the port and `setting`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as problem:
        bound.close()
        raise refused_port(problem, host, port, setting) from problem
    bound.listen(2048)
    bound.setblocking(False)
    return bound


def refused_port(problem: OSError, host: str, port: int, setting: str) -> StartupError:
    """What to tell the operator about an address that could not be bound."""
    if problem.errno == errno.EADDRINUSE:
        return StartupError(
            f"Port {port} on {host} is in use: set {setting} to another one, or to 0 to have one picked."
        )
    if problem.errno == errno.EADDRNOTAVAIL:
        return StartupError(f"This machine has no address {host}: see {setting.replace('_PORT', '_HOST')}.")
    return StartupError(f"Cannot listen on {host}:{port} ({problem.strerror}): see {setting}.")

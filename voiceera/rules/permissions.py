"""Who may do what: roles, and what each kind of route asks for."""

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    MEMBER = "member"
    VIEWER = "viewer"
    ADMIN = "admin"
    """The platform's operator; in its own organization it may do what an owner may."""


class Access(StrEnum):
    """What a route asks of its caller. A route that names none does not start."""

    PUBLIC = "public"
    READ = "read"
    SELF = "self"
    """To change what is one's own: every role may, and a key that may only read may not."""
    WRITE = "write"
    OWN = "own"
    ADMIN = "admin"


ALLOWED: dict[Access, frozenset[Role]] = {
    Access.READ: frozenset(Role),
    Access.SELF: frozenset(Role),
    Access.WRITE: frozenset({Role.OWNER, Role.MEMBER, Role.ADMIN}),
    Access.OWN: frozenset({Role.OWNER, Role.ADMIN}),
    Access.ADMIN: frozenset({Role.ADMIN}),
}


def allows(access: Access, role: Role, *, read_only: bool = False) -> bool:
    """Whether a caller of `role` may; `read_only`: it came with an API key that may only read."""
    if access is Access.PUBLIC:
        return True
    return role in ALLOWED[access] and (access is Access.READ or not read_only)

"""Who may change whom. A person here is a role in an organization; whose row it is at all is decided before."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from voiceera.errors import Forbidden
from voiceera.rules.permissions import Role

HEADS = frozenset({Role.OWNER, Role.ADMIN})
"""Who may act for an organization; one of them has to stay."""

_OF_HEADS = frozenset({"role", "is_active"})


@dataclass(frozen=True)
class Person:
    id: UUID
    role: Role
    is_active: bool = True


def check_change(
    actor: Person, subject: Person, changed: Collection[str], role: Role, *, password: bool = False
) -> None:
    """Whether `actor` may change these fields of `subject`, who would then have `role`. Raises Forbidden."""
    check_removal(actor, subject)
    if password and actor.id != subject.id:
        raise Forbidden("A password is changed by whose it is.")
    if _OF_HEADS & set(changed) and actor.role not in HEADS:
        raise Forbidden()
    if role is not subject.role and Role.ADMIN in (role, subject.role) and actor.role is not Role.ADMIN:
        raise Forbidden("Only an administrator makes administrators.")


def check_removal(actor: Person, subject: Person) -> None:
    """Oneself; an owner the organization's people save administrators; an administrator anybody. Raises Forbidden."""
    if actor.id == subject.id or actor.role is Role.ADMIN:
        return
    if actor.role is not Role.OWNER or subject.role is Role.ADMIN:
        raise Forbidden()


def leaves(roles: Collection[Role], before: Person, after: Person | None) -> bool:
    """Whether somebody who filled one of `roles` and could sign in no longer does; `after` None: deleted."""
    was = before.is_active and before.role in roles
    return was and not (after is not None and after.is_active and after.role in roles)

"""Who answers the phone in the lab."""

from voiceera.lab.callees.cast import CastMember, Role, demo_cast

__all__ = ["CastMember", "Role", "demo_cast"]

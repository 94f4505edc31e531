"""The carriers that the lab plays: how an integration reaches each there."""

from typing import Any

from voiceera.demo.lab_process import LabProcess

WIDEBAND = frozenset({"plivo"})
"""Those whose media sockets also carry 16 kHz."""
CARRIERS = ("plivo", "twilio")


def account(lab: LabProcess, carrier: str) -> tuple[dict[str, Any], dict[str, str]]:
    """(config, credentials) of the integration."""
    match carrier:
        case "twilio":
            secrets = {"account_sid": lab.auth_id, "auth_token": lab.auth_token}
            return {"base_url": f"{lab.url}/2010-04-01"}, secrets
    return {"base_url": f"{lab.url}/v1"}, {"auth_id": lab.auth_id, "auth_token": lab.auth_token}

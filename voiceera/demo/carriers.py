"""The carriers that the lab plays: how an integration reaches each there."""

from typing import Any

from voiceera.demo.lab_process import LabProcess
from voiceera.lab.telnyx.signatures import public_key

WIDEBAND = frozenset({"plivo"})
"""Those whose media sockets also carry 16 kHz."""
CARRIERS = ("plivo", "twilio", "telnyx")


def account(lab: LabProcess, carrier: str) -> tuple[dict[str, Any], dict[str, str]]:
    """(config, credentials) of the integration."""
    match carrier:
        case "twilio":
            secrets = {"account_sid": lab.auth_id, "auth_token": lab.auth_token}
            return {"base_url": f"{lab.url}/2010-04-01"}, secrets
        case "telnyx":
            config = {"account_sid": lab.auth_id, "application_sid": "1", "public_key": public_key(lab.auth_token)}
            return config | {"base_url": f"{lab.url}/v2"}, {"api_key": lab.auth_token}
    return {"base_url": f"{lab.url}/v1"}, {"auth_id": lab.auth_id, "auth_token": lab.auth_token}

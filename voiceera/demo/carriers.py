"""The carriers that the lab plays: how an integration reaches each there."""

from typing import Any
from urllib.parse import urlencode

from voiceera.demo.lab_process import LabProcess
from voiceera.lab.telnyx.signatures import public_key
from voiceera.providers.carriers.sealed_urls import seal

WIDEBAND = frozenset({"plivo", "vobiz"})
"""Those whose media sockets also carry 16 kHz."""
CARRIERS = ("plivo", "vobiz", "twilio", "telnyx", "exotel")


def account(lab: LabProcess, carrier: str, answer_url: str) -> tuple[dict[str, Any], dict[str, str]]:
    """(config, credentials) of the integration. `answer_url`: what a flow's applet asks, at Exotel."""
    match carrier:
        case "twilio":
            secrets = {"account_sid": lab.auth_id, "auth_token": lab.auth_token}
            return {"base_url": f"{lab.url}/2010-04-01"}, secrets
        case "telnyx":
            config = {"account_sid": lab.auth_id, "application_sid": "1", "public_key": public_key(lab.auth_token)}
            return config | {"base_url": f"{lab.url}/v2"}, {"api_key": lab.auth_token}
        case "exotel":
            flow = f"{lab.url}/flow?{urlencode({'applet': seal(answer_url, lab.auth_token)})}"
            config = {"base_url": f"{lab.url}/exotel/v1", "account_sid": lab.auth_id, "flow_url": flow}
            return config, {"api_key": lab.auth_id, "api_token": lab.auth_token}
    root = f"{lab.url}/vobiz" if carrier == "vobiz" else lab.url
    return {"base_url": f"{root}/v1"}, {"auth_id": lab.auth_id, "auth_token": lab.auth_token}

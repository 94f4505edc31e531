"""When a changed config leads to another place."""

import pytest

from voiceera.rules.leads import led_elsewhere

HERE = {"base_url": "https://api.example.com/v1", "hosts": ["a.example.com"], "caller_ids": ["+12025550100"]}


@pytest.mark.parametrize(
    ("change", "led"),
    [
        ({}, []),
        ({"base_url": "https://api.example.com/v2"}, []),
        ({"base_url": "https://api.example.com:443/v1"}, []),
        ({"base_url": "https://API.EXAMPLE.com/v1"}, []),
        ({"base_url": "https://api.example.org/v1"}, ["base_url"]),
        ({"base_url": "http://api.example.com/v1"}, ["base_url"]),
        ({"base_url": "https://api.example.com:8443/v1"}, ["base_url"]),
        ({"base_url": "https://api.example.com@evil.example/v1"}, ["base_url"]),
        ({"other_url": "wss://evil.example"}, ["other_url"]),
        ({"hosts": ["a.example.com", "b.example.com"]}, ["hosts"]),
        ({"hosts": []}, []),
        ({"hosts": ["A.example.com"]}, []),
        ({"caller_ids": ["+12025550101"], "name": "https is a word"}, []),
        ({"base_url": None}, []),
    ],
)
def test_where_a_changed_config_leads(change: dict[str, object], led: list[str]) -> None:
    assert led_elsewhere(HERE, {**HERE, **change}) == led

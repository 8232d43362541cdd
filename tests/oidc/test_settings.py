"""Providers by the environment: two values for Google, an issuer for any other; half a provider stops the start."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from drills.processes import ROOT

PRINT_SETTING = """import json; from config.settings import base
print(json.dumps(base.OIDC_PROVIDERS))"""


def load_settings(**environment: str) -> subprocess.CompletedProcess[str]:
    known = {name: value for name, value in os.environ.items() if not name.startswith("OIDC_")}
    command = [sys.executable, "-c", PRINT_SETTING]
    return subprocess.run(command, cwd=ROOT, env=known | environment, capture_output=True, text=True, check=False)


def test_there_is_no_provider_unless_one_is_named():
    assert json.loads(load_settings().stdout) == []


def test_both_kinds_stand_side_by_side():
    found = json.loads(
        load_settings(
            OIDC_GOOGLE_CLIENT_ID="g",
            OIDC_GOOGLE_CLIENT_SECRET="s",
            OIDC_ISSUER="https://ID.example.com:8443/realms/Office",
            OIDC_CLIENT_ID="c",
            OIDC_NAME="the office",
        ).stdout
    )

    google, office = found
    assert (google["provider_id"], google["issuer"]) == ("google", "https://accounts.google.com")
    assert (office["provider_id"], office["name"]) == ("id.example.com-8443-realms-office", "the office")
    assert office["issuer"] == "https://ID.example.com:8443/realms/Office"


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({"OIDC_GOOGLE_CLIENT_ID": "g"}, "OIDC_GOOGLE_CLIENT_SECRET"),
        ({"OIDC_ISSUER": "https://id.example.com"}, "OIDC_CLIENT_ID"),
        ({"OIDC_ISSUER": "http://id.example.com", "OIDC_CLIENT_ID": "c"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "id.example.com", "OIDC_CLIENT_ID": "c"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "https://id.example.com?x=1", "OIDC_CLIENT_ID": "c"}, "OIDC_ISSUER"),
    ],
)
def test_half_a_provider_stops_the_start(environment, missing):
    found = load_settings(**environment)

    assert found.returncode != 0
    assert missing in found.stderr.splitlines()[-1]

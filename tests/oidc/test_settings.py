"""The OIDC_* settings: two values for Google, an issuer for any other provider."""

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
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OIDC_")}
    command = [sys.executable, "-c", PRINT_SETTING]
    return subprocess.run(command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=False)


def test_providers_are_empty_by_default():
    assert json.loads(load_settings().stdout) == []


def test_google_and_another_provider_are_both_configured():
    google, office = json.loads(
        load_settings(
            OIDC_GOOGLE_CLIENT_ID="g",
            OIDC_GOOGLE_CLIENT_SECRET="s",
            OIDC_ISSUER="https://ID.example.com:8443/realms/Office",
            OIDC_CLIENT_ID="c",
            OIDC_NAME="the office",
            OIDC_TRUST_EMAIL="true",
            OIDC_TRUSTED_AUDIENCES="1, 2",
        ).stdout
    )

    assert (google["provider_id"], google["issuer"]) == ("google", "https://accounts.google.com")
    assert (office["provider_id"], office["name"]) == ("id.example.com-8443-realms-office", "the office")
    assert [(item["trusts_email"], item["trusted_audiences"]) for item in (google, office)] == [
        (False, []),
        (True, ["1", "2"]),
    ]
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
def test_incomplete_provider_settings_stop_the_start(environment, missing):
    process = load_settings(**environment)

    assert process.returncode != 0
    assert missing in process.stderr.splitlines()[-1]

"""PWNED_PASSWORDS_URL: nobody by itself, an address over TLS if the operator names one, a sentence if it is none."""

from __future__ import annotations

import pytest

from tests.deployment.test_production import production_environment, run_manage

pytestmark = [pytest.mark.processes, pytest.mark.django_db]
PRINT_SETTING = "from django.conf import settings; print(repr(settings.PWNED_PASSWORDS_URL))"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (None, ""),
        ("", ""),
        ("https://api.pwnedpasswords.com/range/", "https://api.pwnedpasswords.com/range/"),
        ("https://lists.example.com:8443/pwned", "https://lists.example.com:8443/pwned/"),
        ("http://127.0.0.1:8080/range/", "http://127.0.0.1:8080/range/"),
    ],
)
def test_valid_url_is_accepted(said, found, django_db_setup):
    done = run_manage(
        "shell", "-v", "0", "-c", PRINT_SETTING, environment=production_environment(PWNED_PASSWORDS_URL=said)
    )

    assert (done.returncode, done.stdout.strip()) == (0, repr(found))


@pytest.mark.parametrize(
    "said",
    [
        "http://lists.example.com/range/",
        "lists.example.com/range/",
        "https://",
        "https://lists.example.com/range/?key=1",
        "https://lists.example.com/range/#1",
        "https://somebody:secret@lists.example.com/range/",
        "https://lists.example.com:port/",
        "https://lists.example.com/two words/",
        "https://[lists.example.com/",
        "ftp://127.0.0.1/",
    ],
)
def test_invalid_url_stops_the_start_and_is_not_repeated(said, django_db_setup):
    done = run_manage("check", environment=production_environment(PWNED_PASSWORDS_URL=said))

    assert done.returncode != 0
    assert done.stderr.splitlines()[-1].endswith(
        "PWNED_PASSWORDS_URL must be an https:// address without a name, a query or a fragment."
    )
    assert "secret" not in done.stderr

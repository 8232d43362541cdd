"""PWNED_PASSWORDS_URL: off by default, a TLS address if it is set, and a clear message if it is invalid."""

from __future__ import annotations

import pytest

from tests.deployment.test_production import load_production_settings

pytestmark = [pytest.mark.processes, pytest.mark.django_db]
VALID_URLS = {
    None: "",
    "": "",
    "https://api.pwnedpasswords.com/range/": "https://api.pwnedpasswords.com/range/",
    "https://lists.example.com:8443/pwned": "https://lists.example.com:8443/pwned/",
    "http://127.0.0.1:8080/range/": "http://127.0.0.1:8080/range/",
}
INVALID_URLS = (
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
)
MESSAGE = "PWNED_PASSWORDS_URL must be an https:// URL without user name, query or fragment."


def test_valid_url_is_accepted(django_db_setup, subtests):
    cases = [{"PWNED_PASSWORDS_URL": url} for url in VALID_URLS]

    for (url, expected), result in zip(
        VALID_URLS.items(), load_production_settings("PWNED_PASSWORDS_URL", cases), strict=True
    ):
        with subtests.test(str(url)):
            assert result == {"value": expected}


def test_invalid_url_stops_the_start_and_is_not_repeated(django_db_setup, subtests):
    cases = [{"PWNED_PASSWORDS_URL": url} for url in INVALID_URLS]

    for url, result in zip(INVALID_URLS, load_production_settings("PWNED_PASSWORDS_URL", cases), strict=True):
        with subtests.test(url):
            assert result == {"error": f"ImproperlyConfigured: {MESSAGE}"}

"""The client's IP address, security headers and conditional requests."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from core.http.client_ip import client_ip

TASK = "/api/v1/tasks/OPS-1/"
NO_ADDRESS = "0.0.0.0"  # noqa: S104 -- one bucket for everything that is not an address


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("192.0.2.1", "", [], "192.0.2.1"),
        ("192.0.2.1", "203.0.113.9", [], "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9", ["10.0.0.0/8"], "203.0.113.9"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2", ["10.0.0.0/8"], "203.0.113.9"),
        ("10.0.0.1", "spoofed, 203.0.113.9", ["10.0.0.1"], "203.0.113.9"),
        ("10.0.0.1", "", ["10.0.0.1"], "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2", ["10.0.0.0/8"], "10.0.0.2"),
        ("", "203.0.113.9", [], "203.0.113.9"),
        ("", "1.1.1.1, 203.0.113.9", [], "203.0.113.9"),
        ("", "nonsense", [], NO_ADDRESS),
        ("", "", [], NO_ADDRESS),
        ("2001:db8:1:2:3:4:5:6", "", [], "2001:db8:1:2::"),
        ("::ffff:192.0.2.1", "", [], "192.0.2.1"),
        ("10.0.0.1", "203.0.113.9\r\nx: y", ["10.0.0.1"], NO_ADDRESS),
        ("10.0.0.1", "nonsense", ["10.0.0.0/8"], NO_ADDRESS),
        ("10.0.0.1", "203.0.113.9", ["no network", "10.0.0.1"], "203.0.113.9"),
    ],
)
def test_client_ip_is_the_nearest_untrusted_hop(peer, forwarded, trusted, expected, settings):
    settings.TRUSTED_PROXIES = trusted
    request = RequestFactory().get("/", REMOTE_ADDR=peer, HTTP_X_FORWARDED_FOR=forwarded)

    assert client_ip(request) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["tasks/", "tasks/?page=1", "tasks/OPS-1/", "tasks/stats/", "me/", "projects/", "projects/OPS/", "notifications/"],
)
def test_unchanged_response_is_answered_with_304(path, clients, task):
    client = clients["alice"]
    first = client.get(f"/api/v1/{path}")

    same = client.get(f"/api/v1/{path}", headers={"If-None-Match": first["ETag"]})
    weak = client.get(f"/api/v1/{path}", headers={"If-None-Match": f'W/{first["ETag"]}, "other"'})
    other = client.get(f"/api/v1/{path}", headers={"If-None-Match": '"other"'})

    assert not first["ETag"].startswith("W/")
    assert [(response.status_code, response.content) for response in (same, weak)] == [(304, b"")] * 2
    assert (other.status_code, other.content, other["ETag"]) == (200, first.content, first["ETag"])
    for response in (first, same):
        assert response["Cache-Control"] == "private, no-cache"
        assert {"Accept", "Authorization"} <= {word.strip() for word in response["Vary"].split(",")}


@pytest.mark.django_db
def test_write_changes_the_etags_of_object_and_lists(clients, task):
    client = clients["alice"]
    before = [client.get(path)["ETag"] for path in (TASK, "/api/v1/tasks/")]

    written = client.patch(TASK, {"title": "New"})

    after = [client.get(path)["ETag"] for path in (TASK, "/api/v1/tasks/")]
    assert written["ETag"] == after[0]
    assert set(before) & set(after) == set()
    assert client.get(TASK, headers={"If-None-Match": before[0]}).status_code == 200


@pytest.mark.django_db
def test_representations_have_different_etags(clients, task):
    client = clients["alice"]

    whole, part = client.get(TASK), client.get(f"{TASK}?fields=title")

    assert whole["ETag"] != part["ETag"]
    assert client.patch(TASK, {"title": "New"}, headers={"If-Match": part["ETag"]}).status_code == 200


@pytest.mark.django_db
def test_read_with_an_outdated_if_match_is_412(clients, task):
    response = clients["alice"].get(TASK, headers={"If-Match": '"9.abcdef"'})

    assert (response.status_code, response["Content-Type"]) == (412, "application/problem+json")
    assert response.json()["status"] == 412


@pytest.mark.django_db
def test_head_equals_get_without_a_body(clients, task):
    client = clients["alice"]

    head, whole = client.head(TASK), client.get(TASK)

    assert (head.status_code, head.content, head["ETag"]) == (200, b"", whole["ETag"])


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/api/v1/me/", "/api/v1/nothing/", "/livez", "/login/", "/api/v1/docs/", "/admin/login/", "/nothing/"]
)
def test_responses_carry_security_headers(path, client):
    response = client.get(path)

    headers = {name: response.get(name) for name in ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")}
    assert headers == {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}
    assert "'none'" in response["Content-Security-Policy"]
    assert "unsafe-inline" not in response["Content-Security-Policy"]
    assert {"camera=()", "geolocation=()", "microphone=()"} <= set(response["Permissions-Policy"].split(", "))
    assert response["Cross-Origin-Opener-Policy"] == response["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.django_db
def test_unknown_host_is_rejected(client):
    response = client.get("/api/v1/me/", HTTP_HOST="evil.example")

    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")

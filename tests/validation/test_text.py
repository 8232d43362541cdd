"""Text of every kind is text: kept and given back as it came, whatever another program might read into it."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.tests.fixtures import reauthenticated_browser
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client, visible_text
from tasks.models import Comment, Task

PAYLOADS = [
    "Robert'); DROP TABLE tasks_task;--",
    '{"$gt": ""}',
    "*)(uid=*))(|(uid=*",
    "{{ 7*7 }} ${7*7} <%= 7*7 %> #{7*7}",
    '=HYPERLINK("http://evil.example","click")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "../../../../etc/passwd",
    "; cat /etc/passwd | `id` $(id)",
    "%s %d %n %x",
    "\r\nSet-Cookie: a=b",
    "\u202eevil\u202c \u200b\u2066",
    "Ω≈ç√∫ 田中さん 👩‍👩‍👧‍👦 e\u0301",
    "null",
    "𝕏" * 100,
    "\\u0000 \\x00 \\",
]

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("text", PAYLOADS)
def test_text_comes_back_as_it_was_sent(text, clients, project):
    client, kept = clients["alice"], text.strip()

    made = client.post("/api/v1/tasks/", {"project": "OPS", "title": text, "description": text, "labels": [text[:50]]})
    commented = client.post(f"/api/v1/tasks/{made.json()['key']}/comments/", {"body": text})
    found = client.get("/api/v1/tasks/", {"search": kept[:150].replace("\x00", "")})
    read = client.get(f"/api/v1/tasks/{made.json()['key']}/")

    assert (made.status_code, commented.status_code, found.status_code) == (201, 201, 200)
    assert (read.json()["title"], read.json()["description"]) == (kept, text)
    assert read.json()["labels"] == [text[:50].strip()]
    assert (Task.objects.get().description, Comment.objects.get().body) == (text, text)
    assert read["Content-Type"] == "application/json"
    assert "Set-Cookie" not in read.headers


@pytest.mark.parametrize("name", ["Ana\nBcc: eve@example.com", "Ana\u202etxt.exe", "bell\a", "Ana\u2028Eve"])
@pytest.mark.parametrize(
    ("verb", "url"), [("patch", "/api/v1/me/"), ("post", "/api/v1/teams/"), ("patch", "/api/v1/projects/OPS/")]
)
def test_a_name_is_one_line_of_visible_text(verb, url, name, clients, project):
    client = clients["alice"]
    before = table_digests()

    answer = getattr(client, verb)(url, {"name": name})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "name")
    assert table_digests() == before


def test_a_name_on_a_page_is_one_line_of_visible_text(alice):
    browser = logged_in_client(alice)
    before = table_digests()

    answer = browser.post("/settings/", {"name": "Ana\u202etxt.exe", "time_zone": "UTC", "language": "en"})

    assert answer.status_code == 422
    assert "Write one line, without control characters." in visible_text(answer)
    assert table_digests() == before


def test_a_name_in_the_administration_is_one_line_of_visible_text(admin, alice):
    browser = reauthenticated_browser(admin)
    page = reverse("admin:accounts_user_change", args=[alice.pk])
    before = table_digests()

    answer = browser.post(page, {"email": alice.email, "name": "Ana\u202etxt.exe", "role": "user", "tier": "free"})

    assert answer.status_code == 200
    assert "Write one line, without control characters." in visible_text(answer)
    assert table_digests() == before

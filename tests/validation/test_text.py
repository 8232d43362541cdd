"""Text is stored and returned as it was sent, whatever it means elsewhere."""

from __future__ import annotations

import json

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
    "\nSet-Cookie: a=b",
    "\u202eevil\u202c \u200b\u2066",
    "Ω≈ç√∫ 田中さん 👩‍👩‍👧‍👦 é",
    "null",
    "𝕏" * 100,
    "\\u0000 \\x00 \\",
]

ONE_LINE = "Write one line, without control characters."

pytestmark = pytest.mark.django_db


def test_text_is_returned_as_it_was_sent(clients, project, db_subtest):
    client = clients["alice"]
    for text in PAYLOADS:
        with db_subtest(ascii(text)[:60]):
            data = {"project": "OPS", "title": text, "description": text, "labels": [text[:50]]}
            created = client.post("/api/v1/tasks/", data)
            commented = client.post(f"/api/v1/tasks/{created.json()['key']}/comments/", {"body": text})
            searched = client.get("/api/v1/tasks/", {"search": text.strip()[:150].replace("\x00", "")})
            task = client.get(f"/api/v1/tasks/{created.json()['key']}/")

            assert (created.status_code, commented.status_code, searched.status_code) == (201, 201, 200)
            assert (task.json()["title"], task.json()["description"]) == (text.strip(), text)
            assert task.json()["labels"] == [text[:50].strip()]
            assert (Task.objects.get().description, Comment.objects.get().body) == (text, text)
            assert task["Content-Type"] == "application/json"
            assert "Set-Cookie" not in task.headers


def test_name_is_one_line_of_visible_text(clients, project, db_subtest):
    client, before = clients["alice"], table_digests()
    for method, url in (("PATCH", "/api/v1/me/"), ("POST", "/api/v1/teams/"), ("PATCH", "/api/v1/projects/OPS/")):
        for name in ("Ana\nBcc: eve@example.com", "Ana\u202etxt.exe", "bell\a", "Ana\u2028Eve"):
            with db_subtest(f"{method} {url} {name!a}"):
                response = client.generic(method, url, json.dumps({"name": name}), "application/json")

                assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "name")
                assert table_digests() == before


def test_name_on_a_page_is_one_line_of_visible_text(alice):
    browser = logged_in_client(alice)
    before = table_digests()

    response = browser.post("/settings/", {"name": "Ana\u202etxt.exe", "time_zone": "UTC", "language": "en"})

    assert response.status_code == 422
    assert ONE_LINE in visible_text(response)
    assert table_digests() == before


def test_name_in_the_admin_is_one_line_of_visible_text(admin, alice):
    browser = reauthenticated_browser(admin)
    page = reverse("admin:accounts_user_change", args=[alice.pk])
    before = table_digests()

    response = browser.post(page, {"email": alice.email, "name": "Ana\u202etxt.exe", "role": "user", "tier": "free"})

    assert response.status_code == 200
    assert ONE_LINE in visible_text(response)
    assert table_digests() == before

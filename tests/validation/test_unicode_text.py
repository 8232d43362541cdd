"""Text that people write, at every entrance: visible, in normal form C, with LF line ends, unchanged by an empty save."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from accounts.tests.fixtures import reauthenticated_browser
from core.testing.database_state import table_digests
from core.testing.page_client import logged_in_client
from tasks.models import Comment, Project, Task

pytestmark = pytest.mark.django_db
INVISIBLE = [
    "\u200b",
    "\u200b\u200c\u200b",
    "\ufeff",
    "\u2060",
    "\u3164",
    "\u2800",
    "\u00ad",
    "\u200f",
    "\u0301",
    "\u3000",
]
TASKS, COMMENTS = "/api/v1/tasks/", "/api/v1/tasks/OPS-1/comments/"
NAMES = [
    ("POST", TASKS, "title"),
    ("PATCH", f"{TASKS}OPS-1/", "title"),
    ("POST", COMMENTS, "body"),
    ("PATCH", "/api/v1/me/", "name"),
    ("POST", "/api/v1/projects/", "name"),
    ("PATCH", "/api/v1/projects/OPS/", "name"),
    ("POST", "/api/v1/labels/", "name"),
    ("POST", "/api/v1/teams/", "name"),
]
FORMS = [
    ("/tasks/new/", "title", {}),
    ("/tasks/OPS-1/", "title", {"version": "1", "initial-title": "x"}),
    ("/tasks/OPS-1/comments/", "body", {}),
    ("/projects/new/", "name", {"key": "NEW"}),
    ("/settings/", "name", {"time_zone": "UTC", "language": "en"}),
]
DECOMPOSED, COMPOSED = "Cafe\u0301 \u1112\u1161\u11ab", "Caf\u00e9 \ud55c"


def test_invisible_name_is_blank_in_the_api(clients, task, db_subtest):
    clients["alice"].get("/api/v1/me/")  # the session has its row now
    before = table_digests()
    for index, (method, url, field) in enumerate(NAMES):
        # All of them for a title; for the other names two each, within the rate limit.
        for text in INVISIBLE if index == 0 else INVISIBLE[index : index + 2]:
            with db_subtest(f"{method} {url} {text!a}"):
                data = {"key": "NEW"} if url.endswith("/projects/") else {}
                data |= {"project": "OPS"} if url.endswith("/labels/") else {}
                response = clients["alice"].generic(method, url, json.dumps(data | {field: text}), "application/json")

                error = response.json()["errors"][0]
                assert (response.status_code, error["field"], error["code"]) == (400, field, "blank")
                assert table_digests() == before


def test_invisible_name_is_blank_on_pages(alice, task, db_subtest):
    browser = logged_in_client(alice)
    before = table_digests()
    for url, field, data in FORMS:
        for text in INVISIBLE:
            with db_subtest(f"{url} {text!a}"):
                assert browser.post(url, data | {field: text}).status_code == 422
                assert table_digests() == before


def test_invisible_title_is_blank_in_the_admin(admin, task):
    browser, before = reauthenticated_browser(admin), table_digests()["tasks_task"]
    data = {"title": "\u200b", "status": "todo", "priority": "0", "version": "1"}

    response = browser.post(reverse("admin:tasks_task_change", args=[task.pk]), data)

    assert response.status_code == 200
    assert table_digests()["tasks_task"] == before


def test_text_is_stored_in_normal_form_c(clients, alice, task):
    clients["alice"].post(TASKS, {"project": "OPS", "title": DECOMPOSED, "labels": [DECOMPOSED]})
    clients["alice"].patch("/api/v1/projects/OPS/", {"name": DECOMPOSED, "description": DECOMPOSED})
    clients["alice"].post(COMMENTS, {"body": DECOMPOSED})
    clients["alice"].patch("/api/v1/me/", {"name": DECOMPOSED})
    logged_in_client(alice).post("/tasks/new/", {"title": DECOMPOSED, "description": DECOMPOSED})
    alice.refresh_from_db()

    project, newest = Project.objects.get(key="OPS"), Task.objects.order_by("-created_at").first()
    assert Task.objects.filter(title=COMPOSED, labels__name=COMPOSED).exists()
    assert (project.name, project.description, alice.name) == (COMPOSED, COMPOSED, COMPOSED)
    assert (newest.title, newest.description, Comment.objects.get().body) == (COMPOSED, COMPOSED, COMPOSED)


def test_line_ends_are_lf_at_every_entrance(clients, alice, task):
    browser, text = logged_in_client(alice), "one\r\ntwo\rthree"
    clients["alice"].patch(f"{TASKS}OPS-1/", {"description": text})
    clients["alice"].post(COMMENTS, {"body": text})
    browser.post("/tasks/OPS-1/comments/", {"body": text})
    browser.post("/tasks/new/", {"title": "Lines", "description": text})
    clients["alice"].patch("/api/v1/projects/OPS/", {"description": text})

    texts = {*Task.objects.exclude(description="").values_list("description", flat=True)}
    texts |= {*Comment.objects.values_list("body", flat=True), Project.objects.get(key="OPS").description}
    assert texts == {"one\ntwo\nthree"}


def test_title_is_one_line_that_an_input_can_hold(clients, task):
    created = clients["alice"].post(TASKS, {"project": "OPS", "title": "one\r\ntwo", "labels": ["a\nb"]}).json()

    assert (created["title"], created["labels"]) == ("one two", ["a b"])


@pytest.mark.parametrize("body", ["uno\ndos", "    code\n", "\n\n  text  \n", "- a\n\n\n- b"])
def test_comment_saved_unchanged_keeps_its_version(body, clients, alice, task):
    comment = clients["alice"].post(COMMENTS, {"body": body}).json()

    logged_in_client(alice).post(
        f"/tasks/OPS-1/comments/{comment['id']}/", {"body": body.replace("\n", "\r\n"), "version": "1"}
    )

    saved = Comment.objects.get()
    assert (saved.body, saved.version, saved.edited_at) == (body, 1, None)


@pytest.mark.parametrize("text", ["uno\ndos", "    code\n", "\n text \n"])
def test_task_saved_unchanged_keeps_its_version(text, clients, alice, task):
    clients["alice"].patch(f"{TASKS}OPS-1/", {"description": text})
    browser = logged_in_client(alice)
    form = browser.get("/tasks/OPS-1/").context["form"]
    data = {form.add_initial_prefix(name): value for name, value in form.initial.items() if value is not None}
    data |= {form.add_prefix(name): value for name, value in form.initial.items() if value is not None}
    data = {name: value.replace("\n", "\r\n") if isinstance(value, str) else value for name, value in data.items()}

    response = browser.post("/tasks/OPS-1/", data)

    task.refresh_from_db()
    assert (response.status_code, task.description, task.version) == (302, text, 2)

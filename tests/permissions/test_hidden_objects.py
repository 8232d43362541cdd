"""Filters answer alike for hidden objects and for objects that do not exist."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client

from accounts.tests.factories import UserFactory
from core.testing.page_client import log_in
from tasks.models import Label
from tasks.tests.factories import AssigneeFactory, MemberFactory, ProjectFactory, TaskFactory, TaskShareFactory

pytestmark = pytest.mark.django_db
TASKS_PATH = "/api/v1/tasks/"
TASK_FILTERS = ("project", "key", "assignee", "creator", "label", "parent")
# `key` is the filter `project` with the project's key instead of its id.
FILTERED_PATHS = {
    TASKS_PATH: TASK_FILTERS,
    f"{TASKS_PATH}?page=1": TASK_FILTERS,
    f"{TASKS_PATH}?search=task": TASK_FILTERS,
    f"{TASKS_PATH}?ordering=due_date&category=todo": TASK_FILTERS,
    f"{TASKS_PATH}stats/": ("project", "key", "assignee"),
    "/api/v1/labels/": ("project", "key"),
    "/api/v1/analytics/overview/": ("project", "key", "user"),
    "/api/v1/analytics/daily/": ("project", "key", "user"),
    "/api/v1/analytics/reports/burndown/": ("project", "key"),
    "/api/v1/explain-access/": ("project", "key", "task"),
    "/tasks/": ("project", "key", "assignee", "label"),
    "/": ("project", "key"),
}
VARIANTS = ("", "&page=1", "&ordering=due_date", "&search=task", "&category=todo")


@pytest.fixture
def hidden(mallory):
    """A task that is shared with mallory; its parent and the rest of its project are not."""
    owner, project = UserFactory(), ProjectFactory(key="SECRET")
    parent = TaskFactory(project=project, creator=owner)
    Label.objects.create(project=project, name="hushed")
    AssigneeFactory(task=parent, user=owner)
    shared = TaskFactory(project=project, parent=parent)
    TaskShareFactory(task=shared, user=mallory)
    TaskFactory(project=ProjectFactory(key="OWN", owner=mallory))
    MemberFactory(project=project, user=owner)
    return {
        "project": str(project.pk),
        "key": "SECRET",
        "assignee": str(owner.pk),
        "creator": str(owner.pk),
        "user": str(owner.pk),
        "label": "hushed",
        "parent": str(parent.pk),
        "task": str(parent.pk),
        "shared_task": shared,
        "parent_task": parent,
    }


def missing_value(value):
    return {"SECRET": "ABSENT", "hushed": "absent"}.get(value) or str(uuid.UUID(int=uuid.UUID(value).int ^ 1))


@pytest.fixture
def visible_response(mallory, client_of):
    """Return mallory's response without the filter's value and what is new in each page."""
    api_client, browser = client_of(mallory), Client()
    log_in(browser, mallory)

    def get(path, name, value):
        is_api = path.startswith("/api/")
        query = f"{'project' if name == 'key' else name}={value}"
        response = (api_client if is_api else browser).get(f"{path}{'&' if '?' in path else '?'}{query}")
        text = re.sub(f"{value}(?!-)", "VALUE", response.content.decode())  # not the shared task's own key
        return response.status_code, text if is_api else _stable_lines(text), response.get("ETag") if is_api else ""

    return get


def _stable_lines(page):
    """Return the lines of a page without tokens, nonces and the request id."""
    return [line for line in page.splitlines() if not any(word in line for word in ("csrf", "nonce", "Request <"))]


def test_hidden_filter_value_looks_like_missing_one(visible_response, hidden, db_subtest):
    for path, names in FILTERED_PATHS.items():
        for name in names:
            with db_subtest(f"{path} {name}"):
                value = hidden[name]

                assert visible_response(path, name, value) == visible_response(path, name, missing_value(value))


def task_keys(client, query):
    return sorted(row["key"] for row in client.get(f"{TASKS_PATH}?{query}").json()["results"])


def test_parent_is_hidden_from_user_without_access(hidden, mallory, client_of, subtests):
    client = client_of(mallory)

    for variant in VARIANTS:
        with subtests.test(variant):
            assert task_keys(client, f"parent={hidden['parent']}{variant}") == []
            assert task_keys(client, f"parent=none{variant}") == ["OWN-1", "SECRET-2"]
    assert client.get(f"{TASKS_PATH}SECRET-2/").json()["parent"] is None


def test_parent_is_visible_to_staff(hidden, carol, client_of, subtests):
    """A share adds to what staff may read and never narrows it."""
    TaskShareFactory(task=hidden["shared_task"], user=carol)
    client = client_of(carol)

    for variant in VARIANTS:
        with subtests.test(variant):
            assert task_keys(client, f"parent={hidden['parent']}{variant}") == ["SECRET-2"]
    assert client.get(f"{TASKS_PATH}SECRET-2/").json()["parent"]["key"] == "SECRET-1"


def test_shared_parent_is_visible(hidden, mallory, client_of, subtests):
    TaskShareFactory(task=hidden["parent_task"], user=mallory)
    client = client_of(mallory)

    for variant in VARIANTS:
        with subtests.test(variant):
            assert task_keys(client, f"parent={hidden['parent']}{variant}") == ["SECRET-2"]
            assert task_keys(client, f"parent=none{variant}") == ["OWN-1", "SECRET-1"]
    child, (listed,) = (
        client.get(f"{TASKS_PATH}SECRET-2/").json(),
        client.get(f"{TASKS_PATH}?search=SECRET-2").json()["results"][:1],
    )
    assert [child["parent"]["key"], listed["parent"]["key"]] == ["SECRET-1"] * 2


def test_parent_is_visible_to_guest_who_is_a_member(hidden, mallory, client_of):
    MemberFactory(project=hidden["shared_task"].project, user=mallory)
    client = client_of(mallory)

    assert task_keys(client, f"parent={hidden['parent']}") == ["SECRET-2"]
    assert task_keys(client, "parent=none") == ["OWN-1", "SECRET-1"]
    assert client.get(f"{TASKS_PATH}SECRET-2/").json()["parent"]["key"] == "SECRET-1"

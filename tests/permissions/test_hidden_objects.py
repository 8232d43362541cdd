"""A filter that names what the reader may not see answers as for what does not exist, byte for byte."""

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

FILTERED_PATHS = {
    TASKS_PATH: ("project", "key", "assignee", "creator", "label", "parent"),
    f"{TASKS_PATH}?page=1": ("project", "key", "assignee", "creator", "label", "parent"),
    f"{TASKS_PATH}?search=task": ("project", "key", "assignee", "creator", "label", "parent"),
    f"{TASKS_PATH}?ordering=due_date&category=todo": ("project", "key", "assignee", "creator", "label", "parent"),
    f"{TASKS_PATH}stats/": ("project", "key", "assignee"),
    "/api/v1/labels/": ("project", "key"),
    "/api/v1/analytics/overview/": ("project", "key", "user"),
    "/api/v1/analytics/daily/": ("project", "key", "user"),
    "/api/v1/explain-access/": ("project", "key", "task"),
    "/tasks/": ("project", "key", "assignee", "label"),
    "/": ("project", "key"),
}
FILTER_CASES = [(door, name) for door, names in FILTERED_PATHS.items() for name in names]


@pytest.fixture
def hidden(mallory):
    """A task shared with a guest; what it is part of, and another project, are not."""
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
        "person": str(owner.pk),
        "label": "hushed",
        "parent": str(parent.pk),
        "task": str(parent.pk),
        "shared": shared,
        "above": parent,
    }


def missing_value(value):
    return {"SECRET": "ABSENT", "hushed": "absent"}.get(value) or str(uuid.UUID(int=uuid.UUID(value).int ^ 1))


@pytest.fixture
def ask(mallory, client_of):
    """Ask and return what is seen of the answer, without the value that was asked with and what a page says anew."""
    program, browser = client_of(mallory), Client()
    log_in(browser, mallory)

    def answer(door, name, value):
        client = program if door.startswith("/api/") else browser
        path = f"{door}{'&' if '?' in door else '?'}{'project' if name == 'key' else name}={value}"
        found = client.get(path)
        words = re.sub(f"{value}(?!-)", "VALUE", found.content.decode())  # not the shared task's own key
        if not door.startswith("/api/"):
            words = _without_volatile_parts(words)
        return found.status_code, words, found.get("ETag") if door.startswith("/api/") else ""

    return answer


def _without_volatile_parts(page):
    """A page without what is new in each: tokens, nonces, the request's number."""
    return [line for line in page.splitlines() if not any(one in line for one in ("csrf", "nonce", "Request <"))]


@pytest.mark.parametrize(("door", "name"), FILTER_CASES)
def test_what_is_hidden_and_what_is_missing_look_the_same(door, name, ask, hidden):
    value = hidden[name]

    assert ask(door, name, value) == ask(door, name, missing_value(value))


class TestSharedTaskRelations:
    def keys(self, client, query):
        return sorted(row["key"] for row in client.get(f"{TASKS_PATH}?{query}").json()["results"])

    @pytest.mark.parametrize("more", ["", "&page=1", "&ordering=due_date", "&search=task", "&category=todo"])
    def test_is_none_to_who_does_not_see_it(self, more, hidden, mallory, client_of):
        reader = client_of(mallory)

        assert self.keys(reader, f"parent={hidden['parent']}{more}") == []
        assert self.keys(reader, f"parent=none{more}") == ["OWN-1", "SECRET-2"]
        assert reader.get(f"{TASKS_PATH}SECRET-2/").json()["parent"] is None

    @pytest.mark.parametrize("more", ["", "&page=1", "&ordering=due_date", "&search=task", "&category=todo"])
    def test_is_told_to_staff_whatever_was_shared_with_them(self, more, hidden, carol, client_of):
        TaskShareFactory(task=hidden["shared"], user=carol)
        reader = client_of(carol)

        assert self.keys(reader, f"parent={hidden['parent']}{more}") == ["SECRET-2"]
        assert reader.get(f"{TASKS_PATH}SECRET-2/").json()["parent"]["key"] == "SECRET-1"

    @pytest.mark.parametrize("more", ["", "&page=1", "&ordering=due_date", "&search=task", "&category=todo"])
    def test_is_told_to_whom_it_was_shared_too(self, more, hidden, mallory, client_of):
        TaskShareFactory(task=hidden["above"], user=mallory)
        reader = client_of(mallory)

        assert self.keys(reader, f"parent={hidden['parent']}{more}") == ["SECRET-2"]
        assert self.keys(reader, f"parent=none{more}") == ["OWN-1", "SECRET-1"]
        shown = [
            reader.get(f"{TASKS_PATH}SECRET-2/").json(),
            reader.get(f"{TASKS_PATH}?search=SECRET-2").json()["results"][0],
        ]
        assert [one["parent"]["key"] for one in shown] == ["SECRET-1"] * 2

    def test_is_told_to_a_guest_who_is_a_member_there(self, hidden, mallory, client_of):
        MemberFactory(project=hidden["shared"].project, user=mallory)
        reader = client_of(mallory)

        assert self.keys(reader, f"parent={hidden['parent']}") == ["SECRET-2"]
        assert self.keys(reader, "parent=none") == ["OWN-1", "SECRET-1"]
        assert reader.get(f"{TASKS_PATH}SECRET-2/").json()["parent"]["key"] == "SECRET-1"

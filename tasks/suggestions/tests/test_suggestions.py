"""Suggestions for filters and tasks: what they offer to whom, by page and API."""

from __future__ import annotations

import re

import pytest

from accounts.tests.factories import UserFactory
from core.testing.page_client import logged_in_client
from tasks.models import FieldKind, TaskRelation
from tasks.tests.factories import FieldFactory, LabelFactory, OptionFactory, ProjectFactory, TaskFactory

pytestmark = pytest.mark.django_db
URL, API_URL = "/filters/suggestions/", "/api/v1/filters/suggestions/"


def offered(client, text, url=URL):
    """Return the offered texts, each after the part of the text that stays."""
    response = client.get(url, {"text": text})
    assert response.status_code == 200
    text = text.replace("\x00", "")
    return [text[: item.start] + item.text for item in response.context["suggestions"]]


def test_filter_suggestions_follow_the_cursor(project, task, alice, bob, clients):
    LabelFactory(project=project, name="needs review")
    field = FieldFactory(project=project, key="severity", name="Severity", kind=FieldKind.SELECT)
    OptionFactory(field=field, slug="high", name="High")
    hidden = ProjectFactory(key="SECRET", name="Operation hidden")
    LabelFactory(project=hidden, name="needs silence")
    FieldFactory(project=hidden, key="secret")
    page = logged_in_client(alice)

    for text, expected in (
        ("sta", {"state:", "status:", "start:"}),
        ("state:o", {"state:open"}),
        ("due:@tod", {"due:@today"}),
        ("state:open -is:over", {"state:open -is:overdue"}),
        ("(priority:h", {"(priority:high"}),
        ("state:todo,in", {"state:todo,in_progress"}),
        ("due:@today..@week-e", {"due:@today..@week-end"}),
        ("label:nee", {'label:"needs review"'}),
        ('label:"needs r', {'label:"needs review"'}),
        ("project:", {"project:OPS"}),
        ("project:operat", {"project:OPS"}),
        (f"assignee:@{bob.handle[:2]}", {f"assignee:@{bob.handle}"}),
        ("assignee:m", {"assignee:@me"}),
        ("field.", {"field.severity:"}),
        ("field.severity:h", {"field.severity:high"}),
        (f"parent:{task.key}", set()),
        ("state:open", set()),
        ("unknown:x", set()),
        ("x" * 2001, set()),
        ("\x00sta", {"state:"}),
    ):
        texts = set(offered(page, text))
        assert expected <= texts, text
        assert len(texts) <= 20, text
        assert "secret" not in str(texts).lower(), text
        if not expected:
            assert texts <= {"unknown:x"}, text
    data = clients["alice"].post(API_URL, {"filter": "is:a"}).json()
    assert data["suggestions"] == [{"text": "archived", "label": "", "start": 3}]
    assert clients["alice"].post(API_URL, {"filter": "x" * 2001}).json()["errors"][0]["field"] == "filter"


def test_guests_and_outsiders_are_offered_nothing_hidden(project, task):
    outsider = logged_in_client(UserFactory(handle="outsider"))

    assert offered(outsider, task.key, "/tasks/suggestions/") == []
    assert offered(outsider, "project:") == offered(outsider, "label:") == []
    assert [item for item in offered(outsider, "assignee:") if item not in {"assignee:@me", "assignee:none"}] == []


def test_relation_is_added_by_words(project, task, alice):
    other = TaskFactory(project=project, title="Order toner")
    TaskFactory(project=project, title="Order paper")
    page = logged_in_client(alice)

    assert offered(page, "OPS-", "/tasks/suggestions/")
    assert other.key in offered(page, f"ops-{str(other.number)[0]}", "/tasks/suggestions/")
    assert offered(page, "toner", "/tasks/suggestions/") == [other.key]
    for words, message in (("order", "Several tasks have these words"), ("nothing like it", "There is no such task")):
        response = page.post(f"/tasks/{task.key}/relations/", {"kind": "blocks", "task": words}, follow=True)
        assert re.search(message, response.content.decode()), words
        assert not TaskRelation.objects.exists(), words
    page.post(f"/tasks/{task.key}/relations/", {"kind": "blocks", "task": "toner"})
    assert TaskRelation.objects.get().target == other

"""A search for common words finds by a walk what the index would find."""

from __future__ import annotations

import math

import pytest

from tasks.models import Task, search_terms
from tasks.models.search_terms import MAX_CANDIDATES, MAX_COLLECTED_ROWS, SearchTerm, select_terms
from tasks.tests.factories import CommentFactory, MemberFactory, ProjectFactory, TaskFactory, TaskShareFactory

pytestmark = pytest.mark.django_db
TASKS = "/api/v1/tasks/"


@pytest.fixture
def work(project, alice, bob):
    """Two projects with the words in titles and comments, and one that nobody sees."""
    other, hidden = ProjectFactory(owner=alice), ProjectFactory()
    MemberFactory(project=other, user=bob)
    for index in range(8):
        for place in (project, other, hidden):
            TaskFactory(project=place, title=f"Deploy the report {index}")
            commented = TaskFactory(project=place, title="Nothing here")
            CommentFactory(task=commented, body="we deploy this report")
            TaskFactory(project=place, title="A deployment")
            TaskFactory(project=place, title="Report a fault")


def all_pages(client, query):
    keys, url = [], f"{TASKS}?{query}&limit=5"
    while url:
        body = client.get(url).json()
        keys += [row["key"] for row in body["results"]]
        url = body["next"]
    return keys


@pytest.mark.parametrize("ordering", ["-created_at", "created_at", "-updated_at", "title", "due_date"])
def test_walk_and_index_find_the_same(ordering, work, clients, monkeypatch, subtests):
    queries = ["search=deploy", "search=deploy+report&category=todo,in_progress", "search=the-report", "search=d"]
    for query in queries:
        query += f"&ordering={ordering}"
        for name in ("alice", "bob", "admin", "mallory"):
            with subtests.test(f"{name} {query}"):
                monkeypatch.setattr(search_terms, "MAX_CANDIDATES", 10_000)
                by_index = all_pages(clients[name], query)
                monkeypatch.setattr(search_terms, "MAX_CANDIDATES", -1)
                assert all_pages(clients[name], query) == by_index
                assert name == "mallory" or len(by_index) >= 16


def test_guest_finds_shared_tasks_by_common_words(work, clients, mallory, monkeypatch):
    shared = Task.objects.filter(title__startswith="Deploy").first()
    TaskShareFactory(task=shared, user=mallory)
    mallory.refresh_from_db()
    monkeypatch.setattr(search_terms, "MAX_CANDIDATES", -1)

    assert all_pages(clients["mallory"], "search=deploy") == [shared.key]


def test_terms_are_looked_up_while_that_costs_little():
    rare, common = SearchTerm("rare", True, MAX_CANDIDATES), SearchTerm("common", True, MAX_CANDIDATES + 1)
    most, single = SearchTerm("most", False, MAX_COLLECTED_ROWS), SearchTerm("a", True, math.inf)

    assert select_terms([common, rare, single]) == [rare]
    assert select_terms([common]) == select_terms([single]) == select_terms([common, most]) == []
    assert select_terms([most, common, common]) == [common, common]


def test_term_is_quoted_for_a_tsquery():
    assert str(SearchTerm("a'b\\c", True, 0)) == "'a''b\\\\c':*"

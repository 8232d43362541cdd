"""Query strings nobody should send, by every door that reads, and cursors that are not the caller's."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from core.testing.database_state import table_digests
from tasks.tests.factories import LabelFactory, ProjectFactory, TaskFactory
from tests.api_operations import list_operations, operations_with_query, query_parameters
from tests.validation.problem_details import check_problem, unexpected_statuses

INVALID_QUERIES = {
    "an unknown parameter": "nonsense=1",
    "an unknown parameter with an empty name": "=1",
    "a lookup": "title__regex=(a%2B)%2B%24",
    "a join": "owner__password__startswith=a",
    "a secret": "password=a",
    "NUL": "search=%00",
    "NUL in a name": "se%00arch=a",
    "invalid UTF-8": "search=%ff",
    "a lone surrogate": "search=%ed%a0%80",
    "a thousand and one parameters": "&".join(f"p{n}=1" for n in range(1001)),
}
INVALID_LIMITS = (
    "-1",
    "0",
    "101",
    "1" + "0" * 30,
    "9" * 5000,
    "x",
    "1.5",
    "1e1",
    "+5",
    " 5",
    "٣",
    "٢٠",
    "0x10",
    "true",
    "",
    "null",
)
INVALID_ORDERINGS = (
    "password",
    "-password",
    "owner__password",
    "creator__password",
    "?",
    "-",
    "",
    "--id",
    "id,title",
    "search",
    "pk",
)
INVALID_CURSORS = ("x", "", "a" * 1001, "eyJvIjoiaWQifQ:1aBcDe:AAAA", "../../etc/passwd", "٣", "null", "=" * 100)
LIST_OPERATIONS = pytest.mark.parametrize("operation", list_operations(), ids=str)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("operation", operations_with_query(), ids=str)
def test_what_is_not_a_parameter_is_a_400(operation, request_builder, clients):
    url, client = request_builder.url(operation), clients["alice"]
    before = table_digests()

    found = {case: check_problem(client.get(f"{url}?{query}")) for case, query in INVALID_QUERIES.items()}
    found |= {
        f"{name} twice": check_problem(client.get(f"{url}?{name}=1&{name}=1")) for name in query_parameters(operation)
    }

    assert unexpected_statuses(found, 400) == {}
    assert table_digests() == before


@LIST_OPERATIONS
def test_a_piece_that_cannot_be_is_a_400(operation, request_builder, clients):
    url, client = request_builder.url(operation), clients[request_builder.actor_for(operation)]
    queries = [f"limit={limit}" for limit in INVALID_LIMITS] + [
        f"page={page}" for page in INVALID_LIMITS if page != "101"
    ]
    queries += [f"ordering={ordering}" for ordering in INVALID_ORDERINGS] + [
        f"cursor={cursor}" for cursor in INVALID_CURSORS
    ]
    queries += [
        "page=10001",
        "page=101&limit=100",
        "page=1&cursor=x",
        "fields=password",
        "fields=nonsense,id",
        "fields=",
    ]

    found = {query[:60]: check_problem(client.get(f"{url}?{query}".replace("+", "%2B"))) for query in queries}

    assert unexpected_statuses(found, 400) == {}


def get_cursor(client, url: str) -> str:
    answer = client.get(url)
    return parse_qs(urlsplit(answer.json()["next"]).query)["cursor"][0]


def test_a_cursor_is_good_for_its_caller_its_list_and_its_filters_alone(clients, alice, bob, project):
    TaskFactory.create_batch(3, project=project)
    LabelFactory.create_batch(3, project=project)
    ProjectFactory.create_batch(3, owner=alice)
    cursor = get_cursor(clients["alice"], "/api/v1/tasks/?limit=1&search=task")
    by_name = get_cursor(clients["alice"], "/api/v1/labels/?limit=1")

    found = {
        "its own": clients["alice"]
        .get("/api/v1/tasks/", {"search": "task", "limit": "2", "cursor": cursor})
        .status_code,
        "other caller": check_problem(clients["bob"].get("/api/v1/tasks/", {"search": "task", "cursor": cursor})),
        "other filter": check_problem(clients["alice"].get("/api/v1/tasks/", {"search": "other", "cursor": cursor})),
        "no filter": check_problem(clients["alice"].get("/api/v1/tasks/", {"cursor": cursor})),
        "other order": check_problem(
            clients["alice"].get("/api/v1/tasks/", {"search": "task", "ordering": "title", "cursor": cursor})
        ),
        "tampered": check_problem(
            clients["alice"].get("/api/v1/tasks/", {"search": "task", "cursor": cursor[:-1] + "~"})
        ),
        "cut": check_problem(clients["alice"].get("/api/v1/tasks/", {"search": "task", "cursor": cursor[5:]})),
        "other list": check_problem(clients["alice"].get("/api/v1/projects/", {"cursor": by_name})),
        "list of people": check_problem(clients["alice"].get("/api/v1/users/", {"cursor": by_name})),
    }

    assert found == dict.fromkeys(found, 400) | {"its own": 200}


def test_a_cursor_of_one_projects_members_does_not_open_another(clients, alice, bob, project):
    other = ProjectFactory(owner=alice)
    cursor = get_cursor(clients["alice"], f"/api/v1/projects/{project.key}/members/?limit=1")

    answer = clients["alice"].get(f"/api/v1/projects/{other.key}/members/", {"cursor": cursor})

    assert check_problem(answer) == 400


@pytest.mark.parametrize(
    "query",
    [
        "priority=1", "priority=urgentish", "category=open", "assignee=1", "assignee=alice", "creator=none", "parent=OPS-1",
        "overdue=1", "overdue=True", "due_after=2026-02-30", "due_before=tomorrow", "updated_since=2026-01-01",
        "updated_since=2026-01-01T00:00:00", "include=secrets", "search=" + "a" * 201, "project=" + "a" * 41,
        "due_after=0000-01-01", "assignee=" + "0" * 2001,
    ],
)  # fmt: skip
def test_a_filter_that_means_nothing_is_a_400(query, clients, task):
    assert check_problem(clients["alice"].get(f"/api/v1/tasks/?{query}")) == 400


@pytest.mark.parametrize(
    "words", ["&", "|", "!", ":*", "a & | b", "(((", "'", "\\", "%", "_", "²", "½", "<->", "a:*b", "--", "💡", "\u200b"]
)
def test_a_search_is_words_and_no_language(words, clients, task):
    answer = clients["alice"].get("/api/v1/tasks/", {"search": words})

    assert answer.status_code == 200, answer.content

"""Invalid query strings on every operation that reads, and cursors of other lists."""

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
pytestmark = pytest.mark.django_db


def test_unknown_or_repeated_parameter_is_rejected(request_builder, clients, db_subtest):
    for operation in operations_with_query():
        client, before = clients[request_builder.actor_for(operation)], table_digests()
        with db_subtest(str(operation)):
            url = request_builder.url(operation)
            queries = INVALID_QUERIES | {
                f"{name} twice": f"{name}=1&{name}=1"
                for name, schema in query_parameters(operation).items()
                if schema.get("type") != "array"
            }

            outcomes = {case: check_problem(client.get(f"{url}?{query}")) for case, query in queries.items()}

            assert unexpected_statuses(outcomes, 400) == {}
            assert table_digests() == before


INVALID_PAGE_QUERIES = (
    *(f"limit={limit}" for limit in INVALID_LIMITS),
    *(f"page={page}" for page in INVALID_LIMITS if page != "101"),
    *(f"ordering={ordering}" for ordering in INVALID_ORDERINGS),
    *(f"cursor={cursor}" for cursor in INVALID_CURSORS),
    "page=10001",
    "page=101&limit=100",
    "page=1&cursor=x",
    "fields=password",
    "fields=nonsense,id",
    "fields=",
)


def test_invalid_page_of_a_list_is_rejected(request_builder, clients, db_subtest):
    for operation in list_operations():
        client = clients[request_builder.actor_for(operation)]
        with db_subtest(str(operation)):
            url = request_builder.url(operation)

            outcomes = {
                query[:60]: check_problem(client.get(f"{url}?{query}".replace("+", "%2B")))
                for query in INVALID_PAGE_QUERIES
            }

            assert unexpected_statuses(outcomes, 400) == {}


def get_cursor(client, url: str) -> str:
    return parse_qs(urlsplit(client.get(url).json()["next"]).query)["cursor"][0]


def test_cursor_is_valid_for_its_caller_list_and_filters(clients, alice, bob, project):
    TaskFactory.create_batch(3, project=project)
    LabelFactory.create_batch(3, project=project)
    ProjectFactory.create_batch(3, owner=alice)
    client = clients["alice"]
    cursor = get_cursor(client, "/api/v1/tasks/?limit=1&search=task")
    label_cursor = get_cursor(client, "/api/v1/labels/?limit=1")

    def tasks(params, by="alice"):
        return check_problem(clients[by].get("/api/v1/tasks/", {"cursor": cursor, **params}))

    own = client.get("/api/v1/tasks/", {"search": "task", "limit": "2", "cursor": cursor})
    outcomes = {
        "other caller": tasks({"search": "task"}, by="bob"),
        "other filter": tasks({"search": "other"}),
        "no filter": tasks({}),
        "other order": tasks({"search": "task", "ordering": "title"}),
        "tampered": tasks({"search": "task", "cursor": cursor[:-1] + "~"}),
        "cut": tasks({"search": "task", "cursor": cursor[5:]}),
        "other list": check_problem(client.get("/api/v1/projects/", {"cursor": label_cursor})),
        "list of users": check_problem(client.get("/api/v1/users/", {"cursor": label_cursor})),
    }

    assert own.status_code == 200
    assert unexpected_statuses(outcomes, 400) == {}


def test_cursor_of_another_projects_members_is_rejected(clients, alice, bob, project):
    other = ProjectFactory(owner=alice)
    cursor = get_cursor(clients["alice"], f"/api/v1/projects/{project.key}/members/?limit=1")

    response = clients["alice"].get(f"/api/v1/projects/{other.key}/members/", {"cursor": cursor})

    assert check_problem(response) == 400


INVALID_FILTERS = (
    "priority=1", "priority=urgentish", "category=open", "assignee=1", "assignee=alice", "creator=none", "parent=OPS-1",
    "overdue=1", "overdue=True", "due_after=2026-02-30", "due_before=tomorrow", "updated_since=2026-01-01",
    "updated_since=2026-01-01T00:00:00", "include=secrets", "search=" + "a" * 201, "project=" + "a" * 41,
    "due_after=0000-01-01", "assignee=" + "0" * 2001,
)  # fmt: skip


def test_invalid_filter_is_rejected(clients, task, subtests):
    for query in INVALID_FILTERS:
        with subtests.test(query[:60]):
            assert check_problem(clients["alice"].get(f"/api/v1/tasks/?{query}")) == 400


SEARCH_TEXTS = (
    "&", "|", "!", ":*", "a & | b", "(((", "'", "\\", "%", "_", "²", "½", "<->", "a:*b", "--", "💡", "\u200b",
)  # fmt: skip


def test_search_has_no_query_language(clients, task, subtests):
    for text in SEARCH_TEXTS:
        with subtests.test(repr(text)):
            response = clients["alice"].get("/api/v1/tasks/", {"search": text})

            assert response.status_code == 200, response.content

from __future__ import annotations

import uuid

import pytest
import time_machine
from rest_framework.test import APIClient

from analytics.tests.event_factories import ALPHA, ANA, BEN, BETA, at, done_task_payload, publish_event, task_payload

OVERVIEW = "/api/v1/analytics/overview/"
DAILY = "/api/v1/analytics/daily/"
both_endpoints = pytest.mark.parametrize("url", [OVERVIEW, DAILY])
MARCH = {"start": "2026-03-02", "end": "2026-03-04"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def statistics(projects):
    """Alpha: one done by alice, one open of bob's. Beta: one open. Bob's inbox: one open."""
    publish_event("task.created", done_task_payload(1, people=[ANA]))
    publish_event("task.created", task_payload(2, people=[BEN], due_date="2026-03-02"))
    publish_event("task.created", task_payload(3, project_id=str(BETA), people=[ANA]))
    publish_event("task.created", task_payload(4, project_id=str(projects[2].pk), people=[BEN]))


def test_overview_returns_all_figures(statistics, alice, client_of):
    response = client_of(alice).get(OVERVIEW, MARCH)

    assert response.status_code == 200
    body = response.json()
    assert (body["start"], body["end"]) == ("2026-03-02", "2026-03-04")
    assert body["as_of"].endswith("Z")
    assert body["open"] == {"value": 2, "previous": 0, "change": 2, "series": [3, 3, 2]}
    assert body["overdue"]["series"] == [0, 1, 1]
    assert (body["created"]["value"], body["completed"]["value"]) == (3, 1)
    assert body["cycle_median"]["series"][:2] == [None, None]
    assert body["days"][2] == {"date": "2026-03-04", "created": 0, "completed": 1, "closed": 1, "open": 2, "overdue": 1}
    assert body["histogram"][7] == {"lower_hours": 48, "upper_hours": 96, "label": "2 d to 4 d", "count": 1}
    assert body["histogram"][13]["upper_hours"] is None
    assert body["workload"] == [
        {"user_id": str(BEN), "name": "Bob", "open": 1, "overdue": 1},
        {"user_id": str(ANA), "name": "Alice", "open": 1, "overdue": 0},
    ]


def test_daily_includes_days_without_changes(statistics, alice, client_of):
    response = client_of(alice).get(DAILY, {"start": "2026-03-03", "end": "2026-03-03", "project": "ALPHA"})

    assert response.json() == {
        "start": "2026-03-03",
        "end": "2026-03-03",
        "results": [{"date": "2026-03-03", "created": 0, "completed": 0, "closed": 0, "open": 2, "overdue": 1}],
    }


@pytest.mark.parametrize(("username", "open_tasks"), [("alice", 2), ("bob", 2), ("carol", 2), ("mallory", 0)])
def test_overview_counts_only_visible_projects(statistics, username, open_tasks, client_of, request, carol, mallory):
    response = client_of(request.getfixturevalue(username)).get(OVERVIEW, MARCH)

    assert (response.status_code, response.json()["open"]["value"]) == (200, open_tasks)


@both_endpoints
def test_project_of_others_is_not_found(statistics, mallory, carol, client_of, url, projects):
    for user, ref in ((mallory, "ALPHA"), (mallory, str(ALPHA)), (carol, "MEBOB"), (mallory, "MISSING")):
        response = client_of(user).get(url, {**MARCH, "project": ref})

        assert response.status_code == 404
        assert response["Content-Type"] == "application/problem+json"


@both_endpoints
def test_analytics_require_authentication(statistics, url):
    assert APIClient().get(url, MARCH).status_code == 401


def test_overview_filters_by_user_and_project(statistics, alice, client_of, subtests):
    client = client_of(alice)
    for ref in ("ALPHA", "alpha", str(ALPHA)):
        with subtests.test(ref):
            body = client.get(OVERVIEW, {**MARCH, "project": ref, "user": str(BEN)}).json()

            assert [body[name]["value"] for name in ("open", "overdue", "created", "completed")] == [1, 1, 1, 0]


@time_machine.travel("2026-03-29T12:00:00Z", tick=False)
def test_period_defaults_to_the_last_four_weeks(projects, alice, client_of):
    client = client_of(alice)

    assert [client.get(DAILY).json()[name] for name in ("start", "end")] == ["2026-03-02", "2026-03-29"]
    assert client.get(DAILY, {"end": "2026-03-10"}).json()["start"] == "2026-02-11"
    assert client.get(DAILY, {"start": "2026-03-28"}).json()["end"] == "2026-03-29"


INVALID_PARAMETERS = (
    ("start=2026-03-05&end=2026-03-01", "start"),
    ("start=2024-01-01&end=2026-01-01", "start"),
    ("start=1970-01-01&end=1970-01-02", "start"),
    ("end=0001-01-02", "end"),
    ("start=2026-02-30", "start"),
    ("start=20260301", "start"),
    ("start=2026-03-0%D9%A1", "start"),
    ("end=10000-01-01", "end"),
    ("end=", "end"),
    ("end=%00", "end"),
    ("start=2026-03-01&start=2026-03-02", "start"),
    ("project=" + "A" * 41, "project"),
    ("user=me", "user"),
    (f"user={uuid.UUID(int=1).hex}", "user"),
    ("users=1", "users"),
    ("ordering=day", "ordering"),
)


@both_endpoints
def test_invalid_parameters_are_rejected_by_name(alice, client_of, url, subtests):
    client = client_of(alice)
    for parameters, field in INVALID_PARAMETERS:
        with subtests.test(parameters):
            response = client.get(f"{url}?{parameters}")

            assert response.status_code == 400
            assert response["Content-Type"] == "application/problem+json"
            assert {error["field"] for error in response.json()["errors"]} == {field}


@both_endpoints
def test_analytics_are_read_only(alice, client_of, url):
    client = client_of(alice)

    assert {getattr(client, verb)(url).status_code for verb in ("post", "put", "patch", "delete")} == {405}


@both_endpoints
def test_unchanged_statistics_are_not_sent_again(statistics, alice, client_of, url):
    client = client_of(alice)
    tag = client.get(url, MARCH)["ETag"]

    assert client.get(url, MARCH, HTTP_IF_NONE_MATCH=tag).status_code == 304


@pytest.mark.django_db(transaction=True)
def test_overview_changes_with_the_next_event(projects, alice, client_of):
    client = client_of(alice)
    publish_event("task.created", task_payload(1))
    assert client.get(OVERVIEW, MARCH).json()["open"]["value"] == 1

    publish_event("task.updated", done_task_payload(1, closed=at("2026-03-03")))

    assert client.get(OVERVIEW, MARCH).json()["open"]["series"] == [1, 0, 0]

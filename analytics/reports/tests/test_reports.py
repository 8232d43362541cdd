from __future__ import annotations

import csv
import html
import io
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest

from accounts.tests.factories import UserFactory
from analytics.reports import selectors
from analytics.reports.exports import iter_csv, safe_cell
from analytics.reports.simulation import MAX_WEEKS, day_at, days_needed, totals_expected, working_weeks
from analytics.tests.event_factories import publish_event, task_payload
from core.testing.page_client import logged_in_client, visible_text
from tasks.models import TimeEntry
from tasks.tests.factories import MemberFactory, ProjectFactory, SavedFilterFactory, TaskFactory, TaskShareFactory

NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
# A day in Kiritimati is over 14 hours before it is in UTC, one in Niue begins 11 hours later.
ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Niue", "America/New_York")


@pytest.fixture
def lead(db):
    return UserFactory(handle="lead", name="Lea Lead")


@pytest.fixture
def project(lead):
    return ProjectFactory(key="OPS", owner=lead)


def hours_ago(hours):
    return (NOW - timedelta(hours=hours)).isoformat()


def publish_task(task, *, created, started=None, closed=None, category="todo", people=()):
    """Publish the state of a task, with its times as hours before NOW."""
    payload = task_payload(
        0,
        id=str(task.pk),
        project_id=str(task.project_id),
        people=people,
        created_at=hours_ago(created),
        started_at=None if started is None else hours_ago(started),
        closed_at=None if closed is None else hours_ago(closed),
        category=category,
        version=9,
    )
    publish_event("task.created", payload)


# Hours before Sunday, 29 March 2026, 12:00 UTC; 672 hours are four weeks.
TASKS = (
    {"created": 900},
    {"created": 800, "started": 700, "category": "in_progress"},
    {"created": 800, "started": 750, "closed": 690, "category": "done"},
    {"created": 700, "started": 100, "closed": 52, "category": "done"},
    {"created": 650, "closed": 600, "category": "done"},
    {"created": 300, "started": 200, "category": "in_progress"},
    {"created": 200, "started": 190, "closed": 14, "category": "done"},
    {"created": 100, "closed": 20, "category": "cancelled"},
    {"created": 13},
    {"created": 1},
)


@pytest.fixture
def tasks(project, lead):
    rows = [TaskFactory(project=project, title=f"Task {number}") for number in range(len(TASKS))]
    for task, times in zip(rows, TASKS, strict=True):
        publish_task(task, people=[lead.pk], **times)
    return rows


def build(user, name, *, now=NOW, **params):
    return selectors.get_definition(name).build(selectors.report_query(user, now=now, **params))


def local_day(hours, zone):
    return (NOW - timedelta(hours=hours)).astimezone(zoneinfo.ZoneInfo(zone)).date()


def expected_rows(report, zone, name):
    """Count by hand, day by day, from the table above."""
    for start, end, *_ in report.rows:
        counts = {"created": 0, "completed": 0, "cancelled": 0, "scope": 0, "done": 0, "arrived": 0, "open": 0}
        for task in TASKS:
            created, closed = local_day(task["created"], zone), task.get("closed")
            closed = local_day(closed, zone) if closed is not None else None
            counts["created"] += start <= created <= end
            counts["open"] += created <= end and (closed is None or closed > end)
            if closed:
                counts["completed"] += task["category"] == "done" and start <= closed <= end
                counts["cancelled"] += task["category"] == "cancelled" and start <= closed <= end
        yield counts[name]


def test_flow_reports_count_days_of_the_readers_zone(tasks, lead, subtests):
    for zone in ZONES:
        lead.time_zone = zone
        with subtests.test(zone):
            report = build(lead, "throughput", range="28")
            for index, name in enumerate(("created", "completed", "cancelled"), start=2):
                assert [row[index] for row in report.rows] == list(expected_rows(report, zone, name))
            assert report.rows[-1][1] == NOW.astimezone(zoneinfo.ZoneInfo(zone)).date()

            burndown = build(lead, "burndown", range="28")
            assert [row[4] for row in burndown.rows] == list(expected_rows(burndown, zone, "open"))
            assert all(scope - done == remaining for _, _, scope, done, remaining in burndown.rows)

            flow = build(lead, "cumulative-flow", range="28")
            assert [row[5] + row[6] for row in flow.rows] == list(expected_rows(flow, zone, "open"))
            assert (flow.figures[0].value, flow.figures[1].value) == (2, 3)

    weekly = build(lead, "throughput", range="84")
    assert (len(weekly.rows), sum(row[3] for row in weekly.rows)) == (12, 4)


def test_burndown_of_a_saved_filter_counts_its_tasks(tasks, lead, db):
    other = ProjectFactory(key="OTHER", owner=lead)
    for number in range(3):
        TaskFactory(project=other, created_at=NOW - timedelta(days=number + 1))
    TaskFactory(
        project=other,
        created_at=NOW - timedelta(days=60),
        closed_at=NOW - timedelta(days=2),
        category="done",
        state=other.states.get(category="done"),
    )
    saved = SavedFilterFactory(owner=lead, filter="project:OTHER")

    report = build(lead, "burndown", range="28", filter=saved.pk)

    assert report.rows[0][2:] == (1, 0, 1)
    assert report.rows[-1][2:] == (4, 1, 3)
    assert report.finding == "1 of 4 tasks are completed and 3 remain; the scope grew by 3."


def test_duration_reports_give_exact_percentiles(tasks, lead):
    # Cycle times 48, 50 (never started) and 176 hours; lead times 648, 50 and 186.
    cycle, lead_times = build(lead, "cycle-time", range="28"), build(lead, "lead-time", range="28")

    assert [row[3] for row in cycle.rows] == [176, 48, 50]
    assert [row[3] for row in lead_times.rows] == [186, 648, 50]
    assert [cycle.detail[name] for name in ("p50", "p85", "p95")] == pytest.approx([50, 138.2, 163.4])
    assert cycle.finding == "85\u00a0% of the 3 completed tasks finished within 5.8 days; half of them within 2.1 days."
    assert cycle.rows[0][1:3] == (tasks[6].key, "Task 6")
    assert list(cycle.export_rows()) == list(cycle.rows)

    ageing = build(lead, "ageing")
    assert [row[2] for row in ageing.rows] == [700, 200]
    assert (ageing.figures[0].value, ageing.figures[1].value) == (2, 2)


def test_people_reports_count_assignments_and_minutes(tasks, project, lead):
    workload = build(lead, "workload")
    assert workload.rows == [("Lea Lead", 5, 0)]

    for hours, minutes in ((1, 30), (49, 90), (24 * 40, 500)):
        started = NOW - timedelta(hours=hours)
        TimeEntry.objects.create(
            task=tasks[0], user=lead, started_at=started, ended_at=started + timedelta(minutes=minutes), minutes=minutes
        )
    TimeEntry.objects.create(task=tasks[0], user=lead, started_at=NOW)
    report = build(lead, "time", range="28")
    assert [row[2] for row in report.rows[-3:]] == [90, 0, 30]
    assert report.finding == "2 h were logged by 1 person, most by Lea Lead (2 h)."


def test_simulation_is_deterministic_and_bounded():
    steady = days_needed([5] * 12, 20)
    assert (day_at(steady, 0.5), day_at(steady, 0.95)) == (28, 28)
    assert day_at(days_needed([5] * 12, 20, speed=2.0), 0.85) == 14
    uneven = [0, 12, 3, 5, 0, 8, 4, 6, 2, 9, 1, 7]
    assert days_needed(uneven, 50) == days_needed(uneven, 50)
    p50, p85, p95 = (day_at(days_needed(uneven, 50), share) for share in (0.5, 0.85, 0.95))
    assert p50 < p85 < p95
    # Fifty at 4.75 a week take ten and a half weeks, give or take.
    assert 60 < p50 < 90
    assert days_needed(uneven, 0)[-1] == 0
    assert [working_weeks(weeks) for weeks in ([0, 0, 3, 0, 1, 1], [0, 0, 0, 0, 0, 9], [0] * 5)] == [
        (3, 0, 1, 1),
        (0, 0, 0, 9),
        (0,) * 5,
    ]
    assert set(days_needed([0] * 12, 5)) == {None}
    assert set(days_needed([1] * 12, MAX_WEEKS + 1)) == {None}
    assert days_needed([1] * 12, MAX_WEEKS)[0] == MAX_WEEKS * 7


def test_calibration_compares_promises_with_the_actual(tasks, lead, project):
    assert totals_expected([5] * 12, 4, (0.5, 0.95)) == (20, 20)
    low, high = totals_expected([0, 10], 4, (0.95, 0.05))
    assert (low, high) == (0, 40)
    # Two a week for a year: every promise is kept exactly.
    for week in range(1, 53):
        for _ in range(2):
            task = TaskFactory(project=project)
            publish_task(task, created=week * 168 - 100, closed=week * 168 - 120, category="done")
    report = build(lead, "calibration")
    assert [row[1] for row in report.rows[:20]] == [8] * 20
    assert report.rows[0][2:] == (8, 8, 8)
    assert report.figures[0].value == 1
    assert len(report.rows) == 52 - 12 - 4 + 1
    assert report.finding.startswith("Of 37 past forecasts, those of 50\u00a0% came true in 100\u00a0%")


def test_forecast_answers_what_if(tasks, lead):
    base = build(lead, "forecast")
    assert base.detail.weekly == (1, 1, 0, 0, 2)
    assert (base.detail.open, base.detail.people) == (5, 1)

    dates = {
        (remaining, people): build(lead, "forecast", remaining=remaining, people=people).figures[1].value
        for remaining, people in ((5, 1), (10, 1), (5, 2))
    }
    assert dates[5, 2] < base.figures[1].value == dates[5, 1] < dates[10, 1]
    assert base.finding.startswith("5 tasks remain. 50\u00a0%: by ")
    assert build(lead, "forecast", remaining=0).finding == "No tasks remain."


def test_reports_count_visible_projects_only(tasks, project, db, client_of, subtests):
    outsider, member, guest = UserFactory(), UserFactory(), UserFactory()
    MemberFactory(project=project, user=member, role="viewer")
    TaskShareFactory(task=tasks[0], user=guest)
    for definition in selectors.LIBRARY:
        with subtests.test(definition.name):
            empty, same = build(outsider, definition.name), build(member, definition.name)
            assert not any(figure.value for figure in empty.figures)
            assert same.rows
            assert str(build(guest, definition.name).rows) == str(empty.rows)
            for url in (
                f"/api/v1/analytics/reports/{definition.name}/",
                f"/api/v1/analytics/reports/{definition.name}/file/",
            ):
                assert client_of(outsider).get(url, {"project": "OPS"}).status_code == 404
            for url in (f"/reports/{definition.name}/", f"/reports/{definition.name}/export.csv"):
                assert logged_in_client(outsider).get(url, {"project": "OPS"}).status_code == 404
    foreign = SavedFilterFactory(owner=member, filter="state:open")
    url = "/api/v1/analytics/reports/burndown/"
    assert client_of(outsider).get(url, {"filter": str(foreign.pk)}).status_code == 404


def test_report_files_hold_no_formulas(tasks, lead):
    hostile = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1")
    for text in hostile:
        assert safe_cell(text) == f"'{text}"
    assert [safe_cell(value) for value in (-1, 2.5, None, "a=b", "")] == ["-1", "2.5", "", "a=b", ""]

    task = tasks[6]
    task.title = '=HYPERLINK("http://evil/")'
    task.save(update_fields=["title"])
    rows = list(csv.reader(io.StringIO("".join(iter_csv(build(lead, "cycle-time", range="28"))))))
    assert rows[0] == ["Completed", "Task", "Title", "Cycle time"]
    assert rows[1][2] == '\'=HYPERLINK("http://evil/")'

    client = logged_in_client(lead)
    for definition in selectors.LIBRARY:
        csv_file = client.get(f"/reports/{definition.name}/export.csv?range=364")
        assert csv_file["Content-Type"] == "text/csv; charset=utf-8"
        assert csv_file.streaming
        assert b"".join(csv_file.streaming_content).count(b"\r\n") >= 1
        xlsx = client.get(f"/reports/{definition.name}/export.xlsx?range=364")
        with ZipFile(io.BytesIO(b"".join(xlsx.streaming_content))) as archive:
            assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    assert client.get("/reports/throughput/export.pdf").status_code == 404
    assert client.get("/reports/missing/").status_code == 404


def test_report_pages_state_the_finding(tasks, lead):
    client = logged_in_client(lead)
    assert "Cumulative flow" in visible_text(client.get("/reports/"))
    documented = (Path(__file__).resolve().parents[3] / "docs/reports.md").read_text()
    assert [item.name for item in selectors.LIBRARY if item.definition not in documented] == []
    for definition in selectors.LIBRARY:
        response = client.get(f"/reports/{definition.name}/?range=364&project=OPS")
        page = response.content.decode()
        assert definition.title in page
        assert html.escape(response.context["report"].finding) in page, definition.name
    wrong = client.get("/reports/forecast/?people=none&remaining=-3&range=5")
    assert "Enter a whole number." in wrong.content.decode()


def test_report_api_matches_the_page_and_refuses_bad_input(tasks, lead, client_of, subtests):
    client = client_of(lead)
    library = client.get("/api/v1/analytics/reports/").json()["reports"]
    assert [item["name"] for item in library] == [definition.name for definition in selectors.LIBRARY]
    for item in library:
        body = client.get(f"/api/v1/analytics/reports/{item['name']}/?range=364").json()
        page = logged_in_client(lead).get(f"/reports/{item['name']}/?range=364").context["report"]
        assert (body["finding"], body["definition"]) == (page.finding, item["definition"])
        assert all(len(row) == len(body["columns"]) for row in body["rows"])
        assert len(body["rows"]) == len(page.rows)
    for query, field in (
        ("throughput/?range=30", "range"),
        ("throughput/?people=2", "people"),
        ("forecast/?people=0", "people"),
        ("forecast/?remaining=100001", "remaining"),
        ("burndown/?filter=x", "filter"),
        ("throughput/?since=1", "since"),
        ("throughput/file/?file_type=pdf", "file_type"),
    ):
        with subtests.test(query):
            response = client.get(f"/api/v1/analytics/reports/{query}")
            assert response.status_code == 400
            assert [error["field"] for error in response.json()["errors"]] == [field]
    assert client.get("/api/v1/analytics/reports/missing/").status_code == 404


def test_report_queries_do_not_grow_with_tasks(project, lead, queries):
    def publish(count):
        for task in [TaskFactory(project=project) for _ in range(count)]:
            publish_task(task, created=300, started=200, closed=60, category="done", people=[lead.pk])
            publish_task(TaskFactory(project=project), created=300, started=200, category="in_progress")

    sizes = []
    for count in (1, 15):
        publish(count)
        counts = {}
        for definition in selectors.LIBRARY:
            with queries(at_most=12) as used:
                build(lead, definition.name, range="364", now=NOW + timedelta(days=count))
            counts[definition.name] = used.count
        sizes.append(counts)
    assert sizes[0] == sizes[1]

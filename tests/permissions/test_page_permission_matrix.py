"""Every page and form, requested by every kind of actor, wherever its object is. A page without a row fails.

A row of tests/permissions/page_matrix.py gives the response for each actor when the object is alice's. The responses for the
other scenarios follow from it, as in tests/permissions/test_api_permission_matrix.py.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from urllib.parse import unquote, urlsplit

import pytest
import time_machine
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from config.sign_in_redirects import parent_page
from tests.permissions.api_matrix import MATRIX
from tests.permissions.api_scenarios import ACTORS, OPERATIONS, SHARE_USERS
from tests.permissions.page_forms import FORM_DATA, QUERY_PARAMS
from tests.permissions.page_matrix import PAGES, REAUTHENTICATED, SHARED
from tests.permissions.page_scenarios import PageScenarios, build_path, fill_placeholders, placeholders
from tests.routes import page_paths

# A deactivated user with a cookie, a program with alice's API key, and one with an access token of the administrator:
# pages accept none of these, so they count as anonymous.
NOT_FOR_PAGES = ("gone", "key", "bearer")
UNAUTHENTICATED = ("anonymous", *NOT_FOR_PAGES)
HTTP_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
PAGE_NAMES = sorted(PAGES)
# Values that all users may know, and secrets that work for every reader of the email.
NOT_HIDDEN = {
    "newcomer",
    "shared_field_id",
    "other_shared_field",
    "digest",
    "size",
    "file_type",
    "report_name",
    "panel_key",
    "action_key",
    "runbook_name",
    "name",
    "provider_id",
    "field",
    "user:directory",
    "user:users",
    "verification",
    "reset",
    "revert_token",
    "link_token",
    "accept_token",
    "cancel_deletion_token",
}
# Forms that are understood and change nothing: a wrong code, no MFA method to use, a preview, a task without a parent.
NO_SIDE_EFFECTS = {
    f"POST {path}"
    for path in (
        "reauthenticate/",
        "reauthenticate/code/",
        "reauthenticate/passkey/",
        "inbox/{notification_id}/unread/",
        "tasks/preview/",
        "tasks/quick-add/preview/",
        "tasks/{key}/timer/stop/",
        "tasks/{key}/convert-to-item/",
        "login/passkey/",
        "login/mfa/",
        "login/with/{provider_id}/",
        "settings/security/app/",
        "settings/security/passkeys/add/",
        "settings/security/password/set/",
    )
}
# The one GET that may write: to show recovery codes is recorded.
LOGGED_READ = "GET settings/security/recovery-codes/"

pytestmark = pytest.mark.django_db


def expected_own(name: str) -> dict[str, str]:
    cells, _, target = PAGES[name].partition(" -> ")
    row = {actor: target if cell == "go" else cell for actor, cell in zip(ACTORS, cells.split(), strict=True)}
    return row | dict.fromkeys(NOT_FOR_PAGES, row["anonymous"])


def expected_foreign(name: str) -> dict[str, str]:
    return _hidden_except_for(name, {"carol", "admin"})


def expected_missing(name: str) -> dict[str, str]:
    return _hidden_except_for(name, set())


def _hidden_except_for(name: str, actors: set[str]) -> dict[str, str]:
    return {
        actor: cell if actor in {*UNAUTHENTICATED, *actors} else "404" for actor, cell in expected_own(name).items()
    }


def expected_shared(name: str) -> dict[str, str]:
    cells, _, target = SHARED.get(name, "404 404 404").partition(" -> ")
    row = expected_own(name) | {"project_admin": "404"}
    return row | {
        actor: target if cell == "go" else cell for actor, cell in zip(SHARE_USERS, cells.split(), strict=True)
    }


EXPECTED = {
    "own": expected_own,
    "team": expected_own,
    "shared": expected_shared,
    "foreign": expected_foreign,
    "missing": expected_missing,
    "crossed": expected_missing,
}
PAGES_WITH_OBJECT = [name for name in PAGE_NAMES if placeholders(name) - NOT_HIDDEN]
PAGES_WITH_HIDDEN_OBJECT = [name for name in PAGES_WITH_OBJECT if expected_own(name)["mallory"] == "404"]


def scenarios_for(name: str) -> list[str]:
    if name not in PAGES_WITH_HIDDEN_OBJECT:
        return ["own"]
    of_project = ["team", "shared"] if _is_project_page(name) else []
    return [
        "own",
        *of_project,
        "foreign",
        "missing",
        *(["crossed"] if name.replace("{field}", "").count("{") > 1 else []),
    ]


def _is_project_page(name: str) -> bool:
    path = name.split(" ")[1]
    return path == "" or path.startswith(("tasks/", "projects/"))


@pytest.fixture(scope="module")
def page_scenarios(django_db_setup, django_db_blocker, tmp_path_factory):
    mailbox = str(tmp_path_factory.mktemp("mailbox"))
    # The clock stands still, because tokens expire after ten minutes, which all tests take on a busy machine.
    with (
        time_machine.travel(timezone.now(), tick=False),
        override_settings(MAILBOX_DIR=mailbox),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        yield PageScenarios()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def test_matrix_has_rows_for_every_page():
    in_matrix, existing = {name.split(" ")[1] for name in PAGES}, set(page_paths())
    without_form = {name for name in PAGES if name.startswith("POST ")} - {f"POST {path}" for path in FORM_DATA}

    assert existing - in_matrix == set(), "add a row for GET, POST or both to PAGES in tests/permissions/page_matrix.py"
    assert in_matrix - existing == set(), "the page is gone: take its rows out of tests/permissions/page_matrix.py"
    assert without_form == set(), "add valid data to FORM_DATA in tests/permissions/page_forms.py"
    assert {path for path in (*FORM_DATA, *QUERY_PARAMS) if path not in existing} == set(), (
        "the page is gone: take it out of tests/permissions/page_forms.py"
    )
    assert {*SHARED, *REAUTHENTICATED, *NO_SIDE_EFFECTS} - set(PAGES) == set()


@pytest.mark.parametrize("name", PAGE_NAMES)
def test_responses_match_matrix(name, page_scenarios, subtests):
    for scenario in scenarios_for(name):
        with subtests.test(scenario):
            sample_values = page_scenarios.scenarios[scenario]
            expected = {
                actor: _expected_response(cell, name, sample_values) for actor, cell in EXPECTED[scenario](name).items()
            }

            outcomes = {actor: page_scenarios.send(name, scenario, actor) for actor in expected}

            responses = {
                actor: expected[actor]
                if fnmatchcase(outcome.redirect_or_status, expected[actor])
                else outcome.redirect_or_status
                for actor, outcome in outcomes.items()
            }
            if scenario == "crossed":  # an actor who may not write at all may be told so before the part is looked up
                may_be_403 = {actor for actor, cell in expected_own(name).items() if cell == "403"}
                responses |= {actor: expected[actor] for actor in may_be_403 if responses[actor] == "403"}
            assert responses == expected, build_path(name, sample_values)
            denied = {actor: outcomes[actor].changed for actor, cell in responses.items() if _is_denied(name, cell)}
            assert {actor: changed for actor, changed in denied.items() if changed} == {}
    for case, (names, check) in CHECKS.items():
        if name in names:
            with subtests.test(case):
                check(name, page_scenarios)
    page_scenarios.outcomes.clear()


def _expected_response(cell: str, name: str, sample_values: dict[str, str]) -> str:
    if cell == "login":
        return f"/login/?next={unquote(build_path(name, sample_values))}"
    return fill_placeholders(name.split(" ")[1], cell, sample_values)


def _is_denied(name: str, cell: str) -> bool:
    """Return whether a request with this response must not write."""
    return (name.startswith("GET ") and name != LOGGED_READ) or cell.startswith(
        ("4", "/login/?next=", "/reauthenticate/")
    )


def check_allowed_form_changes_something(name: str, page_scenarios: PageScenarios) -> None:
    """A table of forms that change nothing would prove nothing about permissions."""
    allowed = [actor for actor, cell in expected_own(name).items() if not _is_denied(name, cell)]

    assert any(page_scenarios.send(name, "own", actor).changed for actor in allowed)


def check_foreign_object_looks_like_missing_one(name: str, page_scenarios: PageScenarios) -> None:
    readers = {
        actor for actor in ("carol", "admin") if expected_foreign(name)[actor] != "404" or _is_project_page(name)
    }
    outsiders = sorted(set(expected_own(name)) - readers)

    foreign = {actor: page_scenarios.send(name, "foreign", actor) for actor in outsiders}
    missing = {actor: page_scenarios.send(name, "missing", actor) for actor in outsiders}

    assert {actor: outcome.comparable() for actor, outcome in foreign.items()} == {
        actor: outcome.comparable() for actor, outcome in missing.items()
    }
    assert {actor for actor, outcome in foreign.items() if outcome.changed} == set()


def check_recent_login_is_required_where_listed(name: str, page_scenarios: PageScenarios) -> None:
    """A session without a recent login is redirected to reauthentication there, and nowhere else."""
    able = [actor for actor in ("alice", "bob", "carol", "admin") if not expected_own(name)[actor].startswith("4")]
    for actor in able[:1]:
        recent, stale = (page_scenarios.send(name, "own", key) for key in (actor, f"stale {actor}"))

        # alice has set up TOTP, the others have a password only
        path = "/reauthenticate/code/" if actor == "alice" else "/reauthenticate/"
        is_redirected = stale.redirect_or_status.startswith(f"{path}?next=")
        assert is_redirected == (name in REAUTHENTICATED)
        assert (
            is_redirected
            or stale.redirect_or_status == recent.redirect_or_status
            or fnmatchcase(stale.redirect_or_status, expected_own(name)[actor])
        )
        assert not (is_redirected and stale.changed)


WRITING_FORMS = [name for name in PAGE_NAMES if name.startswith("POST ") and name not in NO_SIDE_EFFECTS]
# They look at the same requests as the matrix, so they are asked of each page right after it: a request is sent once.
CHECKS = {
    "allowed form changes something": (WRITING_FORMS, check_allowed_form_changes_something),
    "foreign object looks like missing one": (PAGES_WITH_OBJECT, check_foreign_object_looks_like_missing_one),
    "recent login is required where listed": (PAGE_NAMES, check_recent_login_is_required_where_listed),
}


@pytest.mark.parametrize("path", page_paths())
def test_method_without_row_is_refused(path, page_scenarios):
    needs_login = any(expected_own(name)["anonymous"] == "login" for name in PAGE_NAMES if name.split(" ")[1] == path)
    for name in (f"{method} {path}" for method in HTTP_METHODS if f"{method} {path}" not in PAGES):
        for actor in ("anonymous", "admin"):
            outcome = page_scenarios.send(name, "own", actor)

            login = _expected_response("login", name, page_scenarios.scenarios["own"])
            # A GET, as after signing in again, leads to the page that has the form.
            parent = parent_page(urlsplit(login).query.removeprefix("next="))
            refused = parent if actor == "admin" and name.startswith("GET ") else "405"
            allowed = {login, refused} if needs_login and actor == "anonymous" else {refused}
            assert outcome.redirect_or_status in allowed, (name, actor)
            assert outcome.changed == set(), (name, actor)


def test_api_accepts_no_session_cookie(page_scenarios, subtests):
    for name in sorted(name for name in set(MATRIX) & set(OPERATIONS) if MATRIX[name].startswith("401")):
        with subtests.test(name):
            outcome = page_scenarios.request_api_by_cookie(OPERATIONS[name], "admin")

            assert (outcome.response.status_code, outcome.changed) == (401, set())

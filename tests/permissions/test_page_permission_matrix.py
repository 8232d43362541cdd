"""Who may open which page and send which form, wherever the thing is. A new page without a row fails.

A row of tests/permissions/page_matrix.py says what each person is answered about what is alice's; what they are answered where
the thing is elsewhere follows from it, as in tests/permissions/test_api_permission_matrix.py.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from urllib.parse import unquote

import pytest
from django.db import connection, transaction
from django.test import override_settings

from tests.permissions.api_matrix import MATRIX
from tests.permissions.api_scenarios import ACTORS, OPERATIONS
from tests.permissions.page_forms import FORM_DATA, QUERY_PARAMS
from tests.permissions.page_matrix import PAGES, REAUTHENTICATED, SHARED
from tests.permissions.page_scenarios import PageScenarios, build_path, fill_placeholders, placeholders
from tests.routes import page_paths

# Somebody deactivated whose cookie is still there, a program with a key of alice's, another with a token of the
# administrator's: a page takes none of these, so they are answered like nobody.
PUBLIC_PATHS = ("gone", "key", "bearer")
SIGN_IN_PATHS = ("anonymous", *PUBLIC_PATHS)
HTTP_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LIST_PAGES = sorted(PAGES)
# What everybody may know, and secrets that are nobody's but whose mail they were in.
SEPARATELY_TESTED = {"newcomer", "digest", "size", "name", "provider_id", "user:directory", "user:users"} | {
    "verification",
    "reset",
    "revert-login-method",
    "accept_token",
    "stay_token",
}
# A form that was understood and did nothing: a wrong code, no second factor to be asked for, nothing to be taken back.
NO_SIDE_EFFECTS = {
    f"POST {path}"
    for path in (
        "reauthenticate/",
        "reauthenticate/code/",
        "reauthenticate/passkey/",
        "inbox/{notification_id}/unread/",
        "login/passkey/",
        "login/mfa/",
        "login/with/{provider_id}/",
        "settings/security/app/",
        "settings/security/passkeys/add/",
        "settings/security/password/set/",
    )
}
SECRET_PAGES = "GET settings/security/recovery-codes/"

pytestmark = pytest.mark.django_db


def expected_own(name: str) -> dict[str, str]:
    cells, _, goal = PAGES[name].partition(" -> ")
    row = {actor: goal if cell == "go" else cell for actor, cell in zip(ACTORS, cells.split(), strict=True)}
    return row | dict.fromkeys(PUBLIC_PATHS, row["anonymous"])


def expected_foreign(name: str) -> dict[str, str]:
    return _hidden_unless(name, {"carol", "admin"})


def expected_missing(name: str) -> dict[str, str]:
    return _hidden_unless(name, set())


def _hidden_unless(name: str, seeing: set[str]) -> dict[str, str]:
    return {actor: cell if actor in {*SIGN_IN_PATHS, *seeing} else "404" for actor, cell in expected_own(name).items()}


def expected_shared(name: str) -> dict[str, str]:
    cells, _, goal = SHARED.get(name, "404 404 404").partition(" -> ")
    row = expected_own(name) | {"project_admin": "404"}
    return row | {
        actor: goal if cell == "go" else cell
        for actor, cell in zip(("viewer", "commenter", "bob"), cells.split(), strict=True)
    }


EXPECTED = {
    "own": expected_own,
    "team": expected_own,
    "shared": expected_shared,
    "foreign": expected_foreign,
    "missing": expected_missing,
    "crossed": expected_missing,
}
OBJECT_PAGES = [name for name in LIST_PAGES if placeholders(name) - SEPARATELY_TESTED]
HIDDEN_PAGES = [name for name in OBJECT_PAGES if expected_own(name)["mallory"] == "404"]


def scenarios_for(name: str) -> list[str]:
    if name not in HIDDEN_PAGES:
        return ["own"]
    of_project = ["team", "shared"] if _is_project_page(name) else []
    return ["own", *of_project, "foreign", "missing", *(["crossed"] if name.count("{") > 1 else [])]


def _is_project_page(name: str) -> bool:
    path = name.split(" ")[1]
    return path == "" or path.startswith(("tasks/", "projects/"))


MATRIX_CASES = [(name, scenario) for name in LIST_PAGES for scenario in scenarios_for(name)]


@pytest.fixture(scope="module")
def page_scenarios(django_db_setup, django_db_blocker, tmp_path_factory):
    """Made once, and taken away again with the transaction."""
    letters = str(tmp_path_factory.mktemp("letters"))
    with override_settings(MAILBOX_DIR=letters), django_db_blocker.unblock(), transaction.atomic():
        yield PageScenarios()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def test_every_page_has_its_rows_and_every_row_its_page():
    named, there = {name.split(" ")[1] for name in PAGES}, set(page_paths())
    without_form = {name for name in PAGES if name.startswith("POST ")} - {f"POST {path}" for path in FORM_DATA}

    assert there - named == set(), "add a row for GET, POST or both to PAGES in tests/permissions/page_matrix.py"
    assert named - there == set(), (
        "there is no such page any more: take its rows out of tests/permissions/page_matrix.py"
    )
    assert without_form == set(), "say in FORMS of tests/permissions/page_forms.py what whoever may do it sends"
    assert {path for path in (*FORM_DATA, *QUERY_PARAMS) if path not in there} == set(), (
        "take it out of tests/permissions/page_forms.py"
    )
    assert {*SHARED, *REAUTHENTICATED, *NO_SIDE_EFFECTS} - set(PAGES) == set()


@pytest.mark.parametrize(("name", "scenario"), MATRIX_CASES)
def test_each_person_is_answered_what_the_table_says(name, scenario, page_scenarios):
    sample_values, address = page_scenarios.scenarios[scenario], build_path(name, page_scenarios.scenarios[scenario])
    expected = {actor: _expected_outcome(cell, name, sample_values) for actor, cell in EXPECTED[scenario](name).items()}

    found = {actor: page_scenarios.ask(name, scenario, actor) for actor in expected}

    met = {
        actor: one.redirect_or_status if not fnmatchcase(one.redirect_or_status, expected[actor]) else expected[actor]
        for actor, one in found.items()
    }
    if scenario == "crossed":  # who may not write at all may also be told so before the part is looked for
        met = {
            actor: expected[actor] if redirect_or_status == expected_own(name)[actor] == "403" else redirect_or_status
            for actor, redirect_or_status in met.items()
        }
    assert met == expected, address
    assert {actor: one.changes for actor, one in found.items() if one.changes and _is_denied(name, met[actor])} == {}


def _expected_outcome(cell: str, name: str, sample_values: dict[str, str]) -> str:
    if cell == "login":
        return f"/login/?next={unquote(build_path(name, sample_values))}"
    return fill_placeholders(name.split(" ")[1], cell, sample_values)


def _is_denied(name: str, cell: str) -> bool:
    return (name.startswith("GET ") and name != SECRET_PAGES) or cell.startswith(
        ("4", "/login/?next=", "/reauthenticate/")
    )


@pytest.mark.parametrize(
    "name", [name for name in LIST_PAGES if name.startswith("POST ") and name not in NO_SIDE_EFFECTS]
)
def test_what_somebody_may_do_is_done(name, page_scenarios):
    """Or the table would speak of forms that nobody can send."""
    did = {
        actor
        for actor, cell in expected_own(name).items()
        if page_scenarios.ask(name, "own", actor).changes and not _is_denied(name, cell)
    }

    assert did


@pytest.mark.parametrize("path", page_paths())
def test_a_method_that_a_page_has_not_is_refused(path, page_scenarios):
    door = any(expected_own(name)["anonymous"] == "login" for name in LIST_PAGES if name.split(" ")[1] == path)
    asked = [f"{method} {path}" for method in HTTP_METHODS if f"{method} {path}" not in PAGES]

    found = {
        (name, actor): page_scenarios.ask(name, "own", actor) for name in asked for actor in ("anonymous", "admin")
    }

    for (name, actor), one in found.items():
        login = _expected_outcome("login", name, page_scenarios.scenarios["own"])
        assert one.redirect_or_status in ({login, "405"} if door and actor in SIGN_IN_PATHS else {"405"}), name
        assert one.changes == set(), name


@pytest.mark.parametrize("name", OBJECT_PAGES)
def test_a_foreign_thing_looks_like_one_that_does_not_exist(name, page_scenarios):
    overseers = {
        actor for actor in ("carol", "admin") if expected_foreign(name)[actor] != "404" or _is_project_page(name)
    }
    strangers = sorted(set(expected_own(name)) - overseers)

    hidden = {actor: page_scenarios.ask(name, "foreign", actor) for actor in strangers}
    absent = {actor: page_scenarios.ask(name, "missing", actor) for actor in strangers}

    assert {actor: one.normalized_response() for actor, one in hidden.items()} == {
        actor: one.normalized_response() for actor, one in absent.items()
    }
    assert {actor for actor, one in hidden.items() if one.changes} == set()


@pytest.mark.parametrize("name", LIST_PAGES)
def test_an_open_browser_alone_does_nothing_that_lasts(name, page_scenarios):
    """Who has not shown lately who they are is asked to; and is asked for nothing else."""
    able = [actor for actor in ("alice", "bob", "carol", "admin") if not expected_own(name)[actor].startswith("4")]
    for actor in able[:1]:
        fresh, tired = (page_scenarios.ask(name, "own", whose) for whose in (actor, f"tired {actor}"))

        # alice has an app, and the others nothing but their password
        is_asked = tired.redirect_or_status.startswith(
            "/reauthenticate/code/?next=" if actor == "alice" else "/reauthenticate/?next="
        )
        assert is_asked == (name in REAUTHENTICATED)
        assert (
            tired.redirect_or_status == fresh.redirect_or_status
            or is_asked
            or fnmatchcase(tired.redirect_or_status, expected_own(name)[actor])
        )
        assert not (is_asked and tired.changes)


@pytest.mark.parametrize("name", sorted(name for name in set(MATRIX) & set(OPERATIONS) if MATRIX[name][:3] == "401"))
def test_a_cookie_opens_nothing_of_the_api(name, page_scenarios):
    met = page_scenarios.request_api_by_cookie(OPERATIONS[name], "admin")

    assert (met.answer.status_code, met.changes) == (401, set())

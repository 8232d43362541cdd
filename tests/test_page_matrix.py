"""Who may open which page and send which form, wherever the thing is. A new page without a row fails.

A row of tests/page_permissions.py says what each person is answered about what is alice's; what they are answered where
the thing is elsewhere follows from it, as in tests/test_permission_matrix.py.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from urllib.parse import unquote

import pytest
from django.db import connection, transaction
from django.test import override_settings

from tests.page_forms import FORMS, QUERIES
from tests.page_permissions import PAGES, PROVED, SHARED
from tests.page_world import PageWorld, filled, holes, path_of
from tests.permissions import MATRIX
from tests.places import OPERATIONS, PEOPLE
from tests.routes import pages

# Somebody deactivated whose cookie is still there, a program with a key of alice's, another with a token of the
# administrator's: a page takes none of these, so they are answered like nobody.
OUTSIDE = ("gone", "key", "bearer")
AT_THE_DOOR = ("anonymous", *OUTSIDE)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
LISTED = sorted(PAGES)
# What everybody may know, and secrets that are nobody's but whose mail they were in.
APART = {"newcomer", "digest", "size", "name", "provider_id", "user:directory", "user:users"} | {
    "verification",
    "reset",
    "undo",
    "accept_token",
    "stay_token",
}
# A form that was understood and did nothing: a wrong code, no second factor to be asked for, nothing to be taken back.
WITHOUT_EFFECT = {
    f"POST {path}"
    for path in (
        "confirm/",
        "confirm/code/",
        "confirm/passkey/",
        "inbox/{notification_id}/unread/",
        "login/passkey/",
        "login/second-factor/",
        "login/with/{provider_id}/",
        "settings/security/app/",
        "settings/security/passkeys/add/",
        "settings/security/password/set/",
    )
}
SHOWN_ONCE = "GET settings/security/recovery-codes/"

pytestmark = pytest.mark.django_db


def of_own(name: str) -> dict[str, str]:
    cells, _, goal = PAGES[name].partition(" -> ")
    row = {who: goal if cell == "go" else cell for who, cell in zip(PEOPLE, cells.split(), strict=True)}
    return row | dict.fromkeys(OUTSIDE, row["anonymous"])


def of_foreign(name: str) -> dict[str, str]:
    return _unless(name, {"carol", "admin"})


def of_missing(name: str) -> dict[str, str]:
    return _unless(name, set())


def _unless(name: str, seeing: set[str]) -> dict[str, str]:
    return {who: cell if who in {*AT_THE_DOOR, *seeing} else "404" for who, cell in of_own(name).items()}


def of_shared(name: str) -> dict[str, str]:
    cells, _, goal = SHARED.get(name, "404 404 404").partition(" -> ")
    row = of_own(name) | {"project_admin": "404"}
    return row | {
        who: goal if cell == "go" else cell
        for who, cell in zip(("viewer", "commenter", "bob"), cells.split(), strict=True)
    }


EXPECTED = {
    "own": of_own,
    "team": of_own,
    "shared": of_shared,
    "foreign": of_foreign,
    "missing": of_missing,
    "crossed": of_missing,
}
NAMING = [name for name in LISTED if holes(name) - APART]
HIDING = [name for name in NAMING if of_own(name)["mallory"] == "404"]


def places_of(name: str) -> list[str]:
    if name not in HIDING:
        return ["own"]
    of_project = ["team", "shared"] if _is_of_project(name) else []
    return ["own", *of_project, "foreign", "missing", *(["crossed"] if name.count("{") > 1 else [])]


def _is_of_project(name: str) -> bool:
    path = name.split(" ")[1]
    return path == "" or path.startswith(("tasks/", "projects/"))


PLACED = [(name, place) for name in LISTED for place in places_of(name)]


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """Made once, and taken away again with the transaction."""
    letters = str(tmp_path_factory.mktemp("letters"))
    with override_settings(MAILBOX_DIR=letters), django_db_blocker.unblock(), transaction.atomic():
        yield PageWorld()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def test_every_page_has_its_rows_and_every_row_its_page():
    named, there = {name.split(" ")[1] for name in PAGES}, set(pages())
    without_form = {name for name in PAGES if name.startswith("POST ")} - {f"POST {path}" for path in FORMS}

    assert there - named == set(), "add a row for GET, POST or both to PAGES in tests/page_permissions.py"
    assert named - there == set(), "there is no such page any more: take its rows out of tests/page_permissions.py"
    assert without_form == set(), "say in FORMS of tests/page_forms.py what whoever may do it sends"
    assert {path for path in (*FORMS, *QUERIES) if path not in there} == set(), "take it out of tests/page_forms.py"
    assert {*SHARED, *PROVED, *WITHOUT_EFFECT} - set(PAGES) == set()


@pytest.mark.parametrize(("name", "place"), PLACED)
def test_each_person_is_answered_what_the_table_says(name, place, world):
    things, address = world.places[place], path_of(name, world.places[place])
    expected = {who: _meant(cell, name, things) for who, cell in EXPECTED[place](name).items()}

    found = {who: world.ask(name, place, who) for who in expected}

    met = {who: one.led if not fnmatchcase(one.led, expected[who]) else expected[who] for who, one in found.items()}
    if place == "crossed":  # who may not write at all may also be told so before the part is looked for
        met = {who: expected[who] if led == of_own(name)[who] == "403" else led for who, led in met.items()}
    assert met == expected, address
    assert {who: one.wrote for who, one in found.items() if one.wrote and _is_refusal(name, met[who])} == {}


def _meant(cell: str, name: str, things: dict[str, str]) -> str:
    if cell == "login":
        return f"/login/?next={unquote(path_of(name, things))}"
    return filled(name.split(" ")[1], cell, things)


def _is_refusal(name: str, cell: str) -> bool:
    return (name.startswith("GET ") and name != SHOWN_ONCE) or cell.startswith(("4", "/login/?next=", "/confirm/"))


@pytest.mark.parametrize("name", [name for name in LISTED if name.startswith("POST ") and name not in WITHOUT_EFFECT])
def test_what_somebody_may_do_is_done(name, world):
    """Or the table would speak of forms that nobody can send."""
    did = {
        who for who, cell in of_own(name).items() if world.ask(name, "own", who).wrote and not _is_refusal(name, cell)
    }

    assert did


@pytest.mark.parametrize("path", pages())
def test_a_method_that_a_page_has_not_is_refused(path, world):
    door = any(of_own(name)["anonymous"] == "login" for name in LISTED if name.split(" ")[1] == path)
    asked = [f"{method} {path}" for method in METHODS if f"{method} {path}" not in PAGES]

    found = {(name, who): world.ask(name, "own", who) for name in asked for who in ("anonymous", "admin")}

    for (name, who), one in found.items():
        login = _meant("login", name, world.places["own"])
        assert one.led in ({login, "405"} if door and who in AT_THE_DOOR else {"405"}), name
        assert one.wrote == set(), name


@pytest.mark.parametrize("name", NAMING)
def test_a_foreign_thing_looks_like_one_that_does_not_exist(name, world):
    overseers = {who for who in ("carol", "admin") if of_foreign(name)[who] != "404" or _is_of_project(name)}
    strangers = sorted(set(of_own(name)) - overseers)

    hidden = {who: world.ask(name, "foreign", who) for who in strangers}
    absent = {who: world.ask(name, "missing", who) for who in strangers}

    assert {who: one.told() for who, one in hidden.items()} == {who: one.told() for who, one in absent.items()}
    assert {who for who, one in hidden.items() if one.wrote} == set()


@pytest.mark.parametrize("name", LISTED)
def test_an_open_browser_alone_does_nothing_that_lasts(name, world):
    """Who has not shown lately who they are is asked to; and is asked for nothing else."""
    able = [who for who in ("alice", "bob", "carol", "admin") if not of_own(name)[who].startswith("4")]
    for who in able[:1]:
        fresh, tired = (world.ask(name, "own", whose) for whose in (who, f"tired {who}"))

        # alice has an app, and the others nothing but their password
        is_asked = tired.led.startswith("/confirm/code/?next=" if who == "alice" else "/confirm/?next=")
        assert is_asked == (name in PROVED)
        assert tired.led == fresh.led or is_asked or fnmatchcase(tired.led, of_own(name)[who])
        assert not (is_asked and tired.wrote)


@pytest.mark.parametrize("name", sorted(name for name in set(MATRIX) & set(OPERATIONS) if MATRIX[name][:3] == "401"))
def test_a_cookie_opens_nothing_of_the_api(name, world):
    met = world.by_cookie(OPERATIONS[name], "admin")

    assert (met.answer.status_code, met.wrote) == (401, set())

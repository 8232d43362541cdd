"""The administration is for administrators: each of its addresses by everybody else, and what they themselves may do there."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.admin import site
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import UserFactory
from accounts.tests.fixtures import reauthenticated_browser, token_of
from accounts.tests.test_admin import filled
from core.testing.cache import reset_redis
from core.testing.database_state import row_write_count, table_digests
from core.testing.page_client import logged_in_client
from tests.architecture.test_admin import add_one_of_everything, admin_url
from tests.routes import admin_paths

MODELS = sorted(site._registry, key=lambda model: model._meta.label)
ACTORS = ("anonymous", "mallory", "carol", "gone", "key", "bearer")
# What administrators write by hand, each through its service; all else they only look at. A model that is not here is
# listed and read, and neither added to, changed nor deleted.
ALL_REQUESTS = "add change delete"
WRITE_REQUESTS = {
    "accounts.Team": ALL_REQUESTS,
    "accounts.TeamMember": ALL_REQUESTS,
    "accounts.User": "add change",
    "tasks.Label": ALL_REQUESTS,
    "tasks.Project": ALL_REQUESTS,
    "tasks.ProjectMember": ALL_REQUESTS,
    "tasks.ProjectTeam": ALL_REQUESTS,
    "tasks.State": ALL_REQUESTS,
    "tasks.Task": ALL_REQUESTS,
}
# What outlives a session when it is written; all other writing is seen by others, or only takes power away.
REAUTHENTICATED = {"accounts.User", "mfa.Authenticator"}
LOGIN_PATH, LOGOUT_PATH = "/admin/login/", "/admin/logout/"

pytestmark = pytest.mark.django_db


class AdminScenarios:
    """One of everything in the administration, and everybody at its door."""

    def __init__(self) -> None:
        people = {name: UserFactory(handle=name) for name in ("mallory", "gone")}
        people["carol"] = UserFactory(handle="carol", role=User.Role.STAFF)
        people["admin"] = UserFactory(handle="admin", role=User.Role.ADMIN)
        self.browsers = {name: logged_in_client(user) for name, user in people.items()} | {
            "admin": reauthenticated_browser(people["admin"]),
            "tired": logged_in_client(people["admin"]),
            "anonymous": Client(),
            "key": Client(headers={"Authorization": f"Api-Key {create_api_key(people['admin']).text}"}),
            "bearer": Client(headers={"Authorization": f"Bearer {token_of(people['admin'])}"}),
        }
        User.objects.filter(handle="gone").update(is_active=False, role=User.Role.ADMIN)
        add_one_of_everything(1)
        self.still = table_digests()

    def ask(self, method: str, address: str, who: str, **sent: Any) -> tuple[str, set[str]]:
        """Where it leads or the status, and the tables that were written to; it is taken back."""
        reset_redis()
        before, browser = row_write_count(), self.browsers[who]
        cookies = browser.cookies.copy()
        with transaction.atomic():
            answer = (
                browser.post(address, sent or {"post": "yes"}) if method == "POST" else browser.generic(method, address)
            )
            wrote = {} if row_write_count() == before else table_digests()
            transaction.set_rollback(True)
        browser.cookies = type(browser.cookies)(cookies)
        led = unquote(answer.get("Location", str(answer.status_code)))
        return led, {table for table, digest in wrote.items() if digest != self.still[table]} - {"django_session"}

    def address(self, pattern: str) -> str:
        """An address of this pattern; where it names a row, there is one."""
        path = re.sub(r"\^\(\?P{\w+}(\w+)\|.*\)/\$", r"\1/", pattern).replace("(?P{url}.*)$", "nowhere")
        model = next(
            (one for one in MODELS if path.startswith(f"/admin/{one._meta.app_label}/{one._meta.model_name}/")), None
        )
        row = model._default_manager.order_by("-pk").first() if model else None
        return re.sub(r"{\w+}", str(row.pk) if row else "1", path)


@pytest.fixture(scope="module")
def admin_scenarios(django_db_setup, django_db_blocker):
    """Made once, and taken away again with the transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield AdminScenarios()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def expected_status(address: str, who: str) -> str:
    """Whoever is no administrator is led to the way in, which says so to those who are signed in."""
    if address == LOGOUT_PATH:
        return "/admin/"
    if address != LOGIN_PATH:
        return f"{LOGIN_PATH}?next={address}"
    return "403" if who in {"mallory", "carol"} else "/login/?next=/admin/"


@pytest.mark.parametrize("pattern", admin_paths())
def test_nobody_but_an_administrator_comes_in(pattern, admin_scenarios):
    """Staff read every project on pages and by the API; the administration is closed to them all the same."""
    address = admin_scenarios.address(pattern)
    asked = [*(("GET", who) for who in ACTORS), *(("POST", who) for who in ("anonymous", "mallory", "carol"))]

    met = {(method, who): admin_scenarios.ask(method, address, who) for method, who in asked}

    assert met == {(method, who): (expected_status(address, who), set()) for method, who in met}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_an_administrator_writes_what_the_table_says_and_looks_at_the_rest(model, admin_scenarios):
    may = WRITE_REQUESTS.get(model._meta.label, "").split()
    row = model._default_manager.order_by("-pk").first()
    verbs = {
        "changelist": [],
        "add": [],
        **({name: [row.pk] for name in ("change", "history", "delete")} if row else {}),
    }

    met = {verb: admin_scenarios.ask("GET", admin_url(model, verb, *keys), "admin") for verb, keys in verbs.items()}
    sent = {
        verb: admin_scenarios.ask("POST", admin_url(model, verb, *verbs[verb]), "admin")
        for verb in ("add", "change", "delete")
        if verb in verbs and verb not in may
    }

    looked = {verb: "200" if verb in {"changelist", "change", "history", *may} else "403" for verb in verbs}
    assert met == {verb: (led, set()) for verb, led in looked.items()}
    assert sent == {verb: ("403", set()) for verb in sent}


def admin_forms(model: Any) -> list[tuple[str, dict[str, Any]]]:
    """Where something can be sent about a model, and what whoever may do it sends: by a form, or by an action."""
    label, row = model._meta.label, model._default_manager.order_by("-pk").first()
    may = WRITE_REQUESTS.get(label, "").split()
    made = {
        "email": "dora@example.com",
        "name": "Dora",
        "password": "seven green bottles",
        "role": "admin",
        "tier": "free",
    }
    found = [(admin_url(model, "add"), made)] if "add" in may else []
    if row and "change" in may:
        found.append(
            (admin_url(model, "change", row.pk), filled(row, role="admin") if model is User else {"post": "yes"})
        )
    chosen = [row.pk] if row else []
    acts = [name for name in site._registry[model].actions or () if isinstance(name, str)]
    return found + [(admin_url(model, "changelist"), {"action": act, "_selected_action": chosen}) for act in acts]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_an_administrators_open_browser_alone_makes_nothing_of_people_that_lasts(model, admin_scenarios):
    """Or who sits down at it for a minute makes an administrator of their own, or takes their second factor away."""
    met = [admin_scenarios.ask("POST", address, "tired", **sent) for address, sent in admin_forms(model)]

    is_asked = model._meta.label in REAUTHENTICATED
    assert {led.startswith("/reauthenticate/?next=/admin/") for led, _ in met} <= {is_asked}
    assert not is_asked or (len(met) > 0 and {frozenset(wrote) for _, wrote in met} == {frozenset()})


@pytest.mark.parametrize("label", sorted(REAUTHENTICATED))
def test_whoever_has_just_proved_who_they_are_writes_it(label, admin_scenarios):
    model = next(one for one in MODELS if one._meta.label == label)
    sent = [
        (address, words) for address, words in admin_forms(model) if words.get("action") not in {"activate", "sign_out"}
    ]

    met = [admin_scenarios.ask("POST", address, "admin", **words) for address, words in sent]

    assert [(led[:9] == "/reauthenticate/", bool(wrote)) for led, wrote in met] == [(False, True)] * len(met)


def test_every_model_that_is_written_by_hand_is_there():
    assert set(WRITE_REQUESTS) <= {model._meta.label for model in MODELS}
    assert len(admin_paths()) > 200

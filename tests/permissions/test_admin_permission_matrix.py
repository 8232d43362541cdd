"""Every address of the Django admin: closed to all but administrators, who may write what WRITE_REQUESTS lists."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.admin import site
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from accounts.tests.admin import user_form_data
from accounts.tests.api_keys import create_api_key
from accounts.tests.factories import UserFactory
from accounts.tests.fixtures import reauthenticated_browser, token_of
from core.testing.cache import reset_redis
from core.testing.database_state import RollbackProbe
from core.testing.page_client import logged_in_client
from tests.architecture.test_admin import admin_url, create_all_models
from tests.routes import admin_paths

MODELS = sorted(site._registry, key=lambda model: model._meta.label)
ACTORS = ("anonymous", "mallory", "carol", "gone", "key", "bearer")
# What administrators write by hand, each through its service. Models that are not listed here can only be viewed.
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
# Writes that need a recent login, because their effect outlasts the session.
REAUTHENTICATED = {"accounts.User", "mfa.Authenticator"}
LOGIN_PATH, LOGOUT_PATH = "/admin/login/", "/admin/logout/"

pytestmark = pytest.mark.django_db


class AdminScenarios:
    """One row of every model, and the browsers of all actors; `stale` is an administrator without a recent login."""

    def __init__(self) -> None:
        users = {name: UserFactory(handle=name) for name in ("mallory", "gone")}
        users["carol"] = UserFactory(handle="carol", role=User.Role.STAFF)
        users["admin"] = UserFactory(handle="admin", role=User.Role.ADMIN)
        self.browsers = {name: logged_in_client(user) for name, user in users.items()} | {
            "admin": reauthenticated_browser(users["admin"]),
            "stale": logged_in_client(users["admin"]),
            "anonymous": Client(),
            "key": Client(headers={"Authorization": f"Api-Key {create_api_key(users['admin']).text}"}),
            "bearer": Client(headers={"Authorization": f"Bearer {token_of(users['admin'])}"}),
        }
        User.objects.filter(handle="gone").update(is_active=False, role=User.Role.ADMIN)
        create_all_models(1)
        self.probe = RollbackProbe()

    def send(self, method: str, address: str, actor: str, **data: Any) -> tuple[str, set[str]]:
        """Send a request and roll it back; return the redirect target or the status, and the changed tables."""
        reset_redis()
        browser = self.browsers[actor]
        cookies = browser.cookies.copy()
        with self.probe.rollback() as changed:
            response = (
                browser.post(address, data or {"post": "yes"}) if method == "POST" else browser.generic(method, address)
            )
        browser.cookies = type(browser.cookies)(cookies)
        return unquote(response.get("Location", str(response.status_code))), changed

    def address(self, pattern: str) -> str:
        """Fill the pattern with the primary key of an existing row."""
        path = re.sub(r"\^\(\?P{\w+}(\w+)\|.*\)/\$", r"\1/", pattern).replace("(?P{url}.*)$", "unknown")
        model = next(
            (model for model in MODELS if path.startswith(f"/admin/{model._meta.app_label}/{model._meta.model_name}/")),
            None,
        )
        row = model._default_manager.order_by("-pk").first() if model else None
        return re.sub(r"{\w+}", str(row.pk) if row else "1", path)


@pytest.fixture(scope="module")
def admin_scenarios(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        yield AdminScenarios()
        transaction.set_rollback(True)
    with django_db_blocker.unblock():
        connection.close()


def expected_response(address: str, actor: str) -> str:
    """Return the admin's own login page, which tells signed-in users that they are not allowed."""
    if address == LOGOUT_PATH:
        return "/admin/"
    if address != LOGIN_PATH:
        return f"{LOGIN_PATH}?next={address}"
    return "403" if actor in {"mallory", "carol"} else "/login/?next=/admin/"


# One test for each model; addresses that belong to none are tested together.
PATTERNS_BY_MODEL: dict[str, list[str]] = {}
for _pattern in admin_paths():
    PATTERNS_BY_MODEL.setdefault(".".join(_pattern.split("/")[2:4]), []).append(_pattern)


@pytest.mark.parametrize("model_name", PATTERNS_BY_MODEL)
def test_address_is_closed_to_everybody_else(model_name, admin_scenarios, subtests):
    """Staff read every project on pages and by the API; the admin is closed to them all the same."""
    requests = [
        *(("GET", actor) for actor in ACTORS),
        *(("POST", actor) for actor in ("anonymous", "mallory", "carol")),
    ]
    for pattern in PATTERNS_BY_MODEL[model_name]:
        with subtests.test(pattern):
            address = admin_scenarios.address(pattern)

            outcomes = {(method, actor): admin_scenarios.send(method, address, actor) for method, actor in requests}

            assert outcomes == {
                (method, actor): (expected_response(address, actor), set()) for method, actor in requests
            }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_administrator_writes_listed_models_only(model, admin_scenarios):
    allowed = WRITE_REQUESTS.get(model._meta.label, "").split()
    row = model._default_manager.order_by("-pk").first()
    views = {
        "changelist": [],
        "add": [],
        **({name: [row.pk] for name in ("change", "history", "delete")} if row else {}),
    }

    opened = {view: admin_scenarios.send("GET", admin_url(model, view, *keys), "admin") for view, keys in views.items()}
    posted = {
        view: admin_scenarios.send("POST", admin_url(model, view, *views[view]), "admin")
        for view in ("add", "change", "delete")
        if view in views and view not in allowed
    }

    readable = {"changelist", "change", "history", *allowed}
    assert opened == {view: ("200" if view in readable else "403", set()) for view in views}
    assert posted == {view: ("403", set()) for view in posted}


def admin_forms(model: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the address and valid data of every form and action of a model."""
    row = model._default_manager.order_by("-pk").first()
    allowed = WRITE_REQUESTS.get(model._meta.label, "").split()
    new_user = {
        "email": "dora@example.com",
        "name": "Dora",
        "password": "seven green bottles",
        "role": "admin",
        "tier": "free",
    }
    forms = [(admin_url(model, "add"), new_user)] if "add" in allowed else []
    if row and "change" in allowed:
        data = user_form_data(row, role="admin") if model is User else {"post": "yes"}
        forms.append((admin_url(model, "change", row.pk), data))
    selected = [row.pk] if row else []
    actions = [name for name in site._registry[model].actions or () if isinstance(name, str)]
    return forms + [
        (admin_url(model, "changelist"), {"action": action, "_selected_action": selected}) for action in actions
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_lasting_write_requires_recent_login(model, admin_scenarios):
    """An unlocked computer must not be enough to make administrators or remove MFA methods."""
    outcomes = [admin_scenarios.send("POST", address, "stale", **data) for address, data in admin_forms(model)]

    requires_login = model._meta.label in REAUTHENTICATED
    assert {target.startswith("/reauthenticate/?next=/admin/") for target, _ in outcomes} <= {requires_login}
    assert not requires_login or (outcomes and not any(changed for _, changed in outcomes))


@pytest.mark.parametrize("label", sorted(REAUTHENTICATED))
def test_recent_login_allows_lasting_write(label, admin_scenarios):
    model = next(model for model in MODELS if model._meta.label == label)
    forms = [
        (address, data) for address, data in admin_forms(model) if data.get("action") not in {"activate", "sign_out"}
    ]

    outcomes = [admin_scenarios.send("POST", address, "admin", **data) for address, data in forms]

    assert [(target.startswith("/reauthenticate/"), bool(changed)) for target, changed in outcomes] == [
        (False, True)
    ] * len(outcomes)


def test_listed_models_are_in_the_admin():
    assert set(WRITE_REQUESTS) <= {model._meta.label for model in MODELS}
    assert len(admin_paths()) > 200

"""Rules that hold on every page and endpoint: cookies, CSRF, passwords, and what is never stored."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from accounts.tests.factories import PASSWORD
from core.testing.asgi import run, send_request
from core.testing.database_state import table_digests
from core.testing.page_client import log_in, logged_in_client

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.django_db
NEW_USER = {"email": "dana@example.com", "name": "Dana"}
# Cookies without HttpOnly: one is read by scripts, one is written by Django's message storage.
READABLE_COOKIES = {"csrftoken", "messages"}
ANY_PARAMETER = {"uuid": "00000000-0000-7000-8000-000000000000", "int": "1", "str": "x", "slug": "x", "path": "x"}


def find_pages(patterns: list[URLPattern | URLResolver] | None = None, prefix: str = "/") -> Iterator[str]:
    """Yield a path of every page; endpoints that use no cookie are left out."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if path.startswith(("/api/", "/metrics", "/livez", "/readyz", "/health")):
            continue
        if isinstance(pattern, URLResolver):
            yield from find_pages(pattern.url_patterns, path)
        else:
            yield re.sub(r"<(?:(\w+):)?\w+>", lambda match: ANY_PARAMETER.get(match[1] or "str", "x"), path)


PAGES = sorted({path for path in find_pages() if "(" not in path})


def test_page_list_is_complete():
    assert len(PAGES) > 60
    assert {"/login/", "/settings/", "/tasks/new/", "/admin/accounts/user/add/"} <= set(PAGES)


def test_forms_require_a_csrf_token(admin):
    browser = Client(enforce_csrf_checks=True)
    log_in(browser, admin)
    browser.get("/settings/")
    before = table_digests()

    codes = {path: browser.post(path, {"name": "Forged", "email": "e@example.com"}).status_code for path in PAGES}

    assert {path: code for path, code in codes.items() if code not in {403, 404, 405}} == {}
    assert sum(code == 403 for code in codes.values()) > 40
    assert table_digests() == before


def test_cookies_are_secure_same_site_and_http_only(alice, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    browser = Client()
    browser.get("/login/", secure=True)

    browser.post("/login/", {"email": "alice@example.com", "password": PASSWORD}, secure=True)

    cookies: SimpleCookie = browser.cookies
    assert {settings.SESSION_COOKIE_NAME, settings.DEVICE_COOKIE_NAME, "csrftoken"} <= set(cookies)
    for name, cookie in cookies.items():
        assert (cookie["secure"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Lax", "/", ""), name
        assert bool(cookie["httponly"]) == (name not in READABLE_COOKIES), name


def test_production_cookies_have_the_host_prefix(settings):
    text = (ROOT / "config/settings/production.py").read_text()
    named = dict(re.findall(r'^(\w+_COOKIE_NAME) = "([^"]+)" if _https', text, re.MULTILINE))
    overridden = {name for name in dir(settings) if name.endswith("_COOKIE_NAME") and settings.is_overridden(name)}

    assert overridden <= set(named)
    assert {"SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME"} <= set(named)
    assert [name for name in named.values() if not name.startswith("__Host-")] == []
    assert {"SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"} <= set(re.findall(r"^(\w+) = _https$", text, re.MULTILINE))


@pytest.mark.parametrize("password", ["password123", "1234567890", "iloveyou123"])
def test_common_passwords_are_refused(password, clients, alice):
    before = table_digests()

    api = clients["anonymous"].post("/api/v1/auth/register/", {**NEW_USER, "password": password})
    page = Client().post("/register/", {**NEW_USER, "password": password})

    assert (api.status_code, page.status_code) == (400, 422)
    assert password.encode() not in api.content + page.content
    assert table_digests() == before


@pytest.mark.parametrize("password", ["TaskFlow-2026!", "taskflow12345", "my.taskflow.1"])
def test_password_must_not_hold_the_service_name(password, clients):
    response = clients["anonymous"].post("/api/v1/auth/register/", {**NEW_USER, "password": password})

    assert response.status_code == 400
    assert [error["code"] for error in response.json()["errors"]] == ["password_too_similar"]
    assert not User.objects.exists()


def test_long_password_is_accepted_unchanged(clients):
    password = "  ÄßЖ 🦊 " + "q" * 180 + " "

    created = clients["anonymous"].post("/api/v1/auth/register/", {**NEW_USER, "password": password})
    codes = [
        clients["anonymous"].post("/api/v1/auth/login/", {"email": NEW_USER["email"], "password": attempt}).status_code
        for attempt in (password, password.strip(), password[:72], password.lower())
    ]

    assert created.status_code == 201
    assert codes == [200, 401, 401, 401]


def test_password_does_not_expire(alice):
    long_ago = alice.created_at - timedelta(days=3650)
    User.objects.filter(pk=alice.pk).update(created_at=long_ago, last_login=long_ago)

    response = Client().post("/login/", {"email": alice.email, "password": PASSWORD})

    assert (response.status_code, response["Location"]) == (302, "/")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/login/", {"email", "password", "next"}),
        ("/register/", {"email", "name", "password", "next", "time_zone"}),
        ("/password/reset/", {"email", "next"}),
    ],
)
def test_forms_ask_for_no_hint_and_no_secret_question(path, fields, client):
    form = re.findall(r'<(?:input|textarea|select)[^>]*name="(\w+)"', client.get(path).content.decode())

    assert "email" in form
    assert set(form) <= fields | {"csrfmiddlewaretoken", "idempotency_key", "credential"}
    assert not [field.name for field in User._meta.get_fields() if re.search("hint|question|secret", field.name)]


def test_logs_go_to_standard_error_only(settings):
    handlers = settings.LOGGING["handlers"]
    named = [settings.LOGGING["root"], *settings.LOGGING["loggers"].values()]

    assert {name: handler["class"] for name, handler in handlers.items()} == {"stderr": "logging.StreamHandler"}
    assert {handler for logger in named for handler in logger.get("handlers", [])} == {"stderr"}


@pytest.mark.parametrize(("path", "autocomplete"), [("/login/", "current-password"), ("/register/", "new-password")])
def test_password_fields_help_password_managers(path, autocomplete, client):
    fields = re.findall(r'<input[^>]*type="password"[^>]*>', client.get(path).content.decode())

    assert fields
    assert all(f'autocomplete="{autocomplete}"' in field for field in fields)


def test_logout_clears_the_browser_cache(alice):
    response = logged_in_client(alice).post("/logout/")

    assert response["Clear-Site-Data"] == '"cache", "storage"'


def test_token_responses_are_not_stored(clients, alice):
    login = clients["anonymous"].post("/api/v1/auth/login/", {"email": alice.email, "password": PASSWORD})
    refresh = clients["anonymous"].post("/api/v1/auth/refresh/", {"refresh": login.json()["refresh"]})

    assert [response["Cache-Control"] for response in (login, refresh)] == ["no-store"] * 2


def test_scripts_store_only_drafts_in_the_browser():
    scripts = {path.name: path.read_text() for path in (ROOT / "static/js").glob("*.js")}
    others = "".join(text for name, text in scripts.items() if name != "drafts.js")

    assert not re.search(r"indexedDB|document\.cookie|innerHTML|eval\(", "".join(scripts.values()))
    assert "localStorage" not in others
    # Beside them the id of the field that is focused on the next page.
    assert [item for item in re.findall(r"sessionStorage\.setItem\((\w+)", others) if item != "REFOCUS"] == []
    # tests/browser/test_forms.py shows that signing out removes the drafts.
    assert '"password", "file"' in re.search(r"SKIPPED_TYPES = .*", scripts["drafts.js"])[0]


def test_gateway_errors_carry_the_security_headers(client):
    from config.asgi import application as gateway  # importing it sets Django up, which pytest has done

    own = send_request(gateway, "GET", "/api/v1/me/", headers={"host": "testserver"})  # a second Host header is refused
    run(gateway.checker.close())
    django = client.get("/api/v1/me/")

    names = [
        "Content-Security-Policy",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
        "Permissions-Policy",
        "Referrer-Policy",
        "X-Content-Type-Options",
        "X-Frame-Options",
    ]
    assert own.json()["detail"] == "Duplicate Host header."
    assert {name: own.headers[name.lower()] for name in names} == {name: django[name] for name in names}
    assert User.objects.count() == 0

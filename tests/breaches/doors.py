"""Every door at which somebody sets a password: how one gets there, and what is said of the password in the end."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.tests.api.test_headless import Program
from accounts.tests.factories import PASSWORD, InvitationFactory, UserFactory
from accounts.tests.fixtures import ApiClient, confirmed
from accounts.tests.test_admin import filled, person_page
from accounts.tests.views.test_passwords import ask, form_of, link
from core.testing.pages import browser_of

DORA = {"email": "dora@example.com", "name": "Dora"}


class Said(NamedTuple):
    """`field` is the one that was found wrong, empty if none was."""

    field: str
    words: str


Door = Callable[[str], Said]


def by_form(answer: HttpResponse) -> Said:
    if answer.status_code == 302:
        return Said("", "")
    form = answer.context["adminform"].form if "adminform" in answer.context else answer.context["form"]
    ((field, errors),) = form.errors.items()
    return Said(field, " ".join(errors))


def by_json(answer: HttpResponse) -> Said:
    body: dict[str, Any] = answer.json()
    if "errors" not in body:
        return Said("", "")
    (error,) = body["errors"]
    return Said(error.get("field") or error["param"], error["message"])


def api_register() -> Door:
    return lambda word: by_json(ApiClient().post("/api/v1/auth/register/", {**DORA, "password": word}))


def page_register() -> Door:
    return lambda word: by_form(Client().post("/register/", {**DORA, "password": word}))


def program_register() -> Door:
    return lambda word: by_json(Program().ask("post", "auth/signup", {**DORA, "password": word}))


def api_join() -> Door:
    InvitationFactory(inviter=UserFactory(role=User.Role.STAFF), email=DORA["email"], secret="s3")
    sent = {"token": "s3", "name": "Dora"}
    return lambda word: by_json(ApiClient().post("/api/v1/auth/join/", {**sent, "password": word}))


def page_join() -> Door:
    InvitationFactory(inviter=UserFactory(role=User.Role.STAFF), email=DORA["email"], secret="s3")
    return lambda word: by_form(Client().post("/invitation/", {"token": "s3", "name": "Dora", "password": word}))


def page_change() -> Door:
    browser = browser_of(UserFactory(**DORA))
    sent = {"oldpassword": PASSWORD}
    return lambda word: by_form(browser.post("/settings/security/password/", {**sent, "password1": word}))


def page_set() -> Door:
    browser = browser_of(UserFactory(**DORA, password="!"))
    return lambda word: by_form(browser.post("/settings/security/password/set/", {"password1": word}))


def program_change() -> Door:
    UserFactory(**DORA)
    program = Program()
    program.ask("post", "auth/login", {"email": DORA["email"], "password": PASSWORD})
    sent = {"current_password": PASSWORD}
    return lambda word: by_json(program.ask("post", "account/password/change", {**sent, "new_password": word}))


def page_reset() -> Door:
    UserFactory(**DORA)
    ask(DORA["email"])
    path, sent = form_of(link())
    return lambda word: by_form(Client().post(path, {**sent, "password1": word}))


def program_reset() -> Door:
    UserFactory(**DORA)
    ask(DORA["email"])
    key = form_of(link())[1]["key"]
    return lambda word: by_json(Program().ask("post", "auth/password/reset", {"key": key, "password": word}))


def admin_add() -> Door:
    browser = confirmed(UserFactory(role=User.Role.ADMIN))
    sent = {**DORA, "role": "user", "tier": "free"}
    return lambda word: by_form(browser.post("/admin/accounts/user/add/", {**sent, "password": word}))


def admin_change() -> Door:
    browser, dora = confirmed(UserFactory(role=User.Role.ADMIN)), UserFactory(**DORA)
    return lambda word: by_form(browser.post(person_page(dora), filled(dora, password=word)))


def command_line() -> Door:
    """`manage.py changepassword`, which asks for another one three times."""
    UserFactory(**DORA)

    def type_in(word: str) -> Said:
        said = StringIO()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("getpass.getpass", lambda **_: word)
            with suppress(CommandError):
                call_command("changepassword", DORA["email"], stdout=StringIO(), stderr=said)
        return Said("password" if said.getvalue() else "", said.getvalue())

    return type_in


DOORS = [
    api_register,
    page_register,
    program_register,
    api_join,
    page_join,
    page_change,
    page_set,
    program_change,
    page_reset,
    program_reset,
    admin_add,
    admin_change,
    command_line,
]

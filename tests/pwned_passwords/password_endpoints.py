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

from accounts.auth.tests.test_headless_api import Program
from accounts.auth.tests.test_password_pages import ask, form_of, link
from accounts.models import User
from accounts.tests.factories import PASSWORD, InvitationFactory, UserFactory
from accounts.tests.fixtures import ApiClient, reauthenticated_browser
from accounts.tests.test_admin import filled, person_page
from core.testing.page_client import logged_in_client

USER_DATA = {"email": "dora@example.com", "name": "Dora"}


class PasswordResult(NamedTuple):
    """`field` is the one that was found wrong, empty if none was."""

    field: str
    words: str


SetPassword = Callable[[str], PasswordResult]


def form_result(answer: HttpResponse) -> PasswordResult:
    if answer.status_code == 302:
        return PasswordResult("", "")
    form = answer.context["adminform"].form if "adminform" in answer.context else answer.context["form"]
    ((field, errors),) = form.errors.items()
    return PasswordResult(field, " ".join(errors))


def json_result(answer: HttpResponse) -> PasswordResult:
    body: dict[str, Any] = answer.json()
    if "errors" not in body:
        return PasswordResult("", "")
    (error,) = body["errors"]
    return PasswordResult(error.get("field") or error["param"], error["message"])


def api_register() -> SetPassword:
    return lambda word: json_result(ApiClient().post("/api/v1/auth/register/", {**USER_DATA, "password": word}))


def page_register() -> SetPassword:
    return lambda word: form_result(Client().post("/register/", {**USER_DATA, "password": word}))


def headless_register() -> SetPassword:
    return lambda word: json_result(Program().ask("post", "auth/signup", {**USER_DATA, "password": word}))


def api_join() -> SetPassword:
    InvitationFactory(inviter=UserFactory(role=User.Role.STAFF), email=USER_DATA["email"], secret="s3")
    sent = {"token": "s3", "name": "Dora"}
    return lambda word: json_result(
        ApiClient().post("/api/v1/auth/register-with-invitation/", {**sent, "password": word})
    )


def page_join() -> SetPassword:
    InvitationFactory(inviter=UserFactory(role=User.Role.STAFF), email=USER_DATA["email"], secret="s3")
    return lambda word: form_result(Client().post("/invitation/", {"token": "s3", "name": "Dora", "password": word}))


def page_change() -> SetPassword:
    browser = logged_in_client(UserFactory(**USER_DATA))
    sent = {"oldpassword": PASSWORD}
    return lambda word: form_result(browser.post("/settings/security/password/", {**sent, "password1": word}))


def page_set() -> SetPassword:
    browser = logged_in_client(UserFactory(**USER_DATA, password="!"))
    return lambda word: form_result(browser.post("/settings/security/password/set/", {"password1": word}))


def headless_change() -> SetPassword:
    UserFactory(**USER_DATA)
    program = Program()
    program.ask("post", "auth/login", {"email": USER_DATA["email"], "password": PASSWORD})
    sent = {"current_password": PASSWORD}
    return lambda word: json_result(program.ask("post", "account/password/change", {**sent, "new_password": word}))


def page_reset() -> SetPassword:
    UserFactory(**USER_DATA)
    ask(USER_DATA["email"])
    path, sent = form_of(link())
    return lambda word: form_result(Client().post(path, {**sent, "password1": word}))


def headless_reset() -> SetPassword:
    UserFactory(**USER_DATA)
    ask(USER_DATA["email"])
    key = form_of(link())[1]["key"]
    return lambda word: json_result(Program().ask("post", "auth/password/reset", {"key": key, "password": word}))


def admin_add() -> SetPassword:
    browser = reauthenticated_browser(UserFactory(role=User.Role.ADMIN))
    sent = {**USER_DATA, "role": "user", "tier": "free"}
    return lambda word: form_result(browser.post("/admin/accounts/user/add/", {**sent, "password": word}))


def admin_change() -> SetPassword:
    browser, dora = reauthenticated_browser(UserFactory(role=User.Role.ADMIN)), UserFactory(**USER_DATA)
    return lambda word: form_result(browser.post(person_page(dora), filled(dora, password=word)))


def changepassword_command() -> SetPassword:
    """`manage.py changepassword`, which asks for another one three times."""
    UserFactory(**USER_DATA)

    def type_in(word: str) -> PasswordResult:
        said = StringIO()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("getpass.getpass", lambda **_: word)
            with suppress(CommandError):
                call_command("changepassword", USER_DATA["email"], stdout=StringIO(), stderr=said)
        return PasswordResult("password" if said.getvalue() else "", said.getvalue())

    return type_in


PASSWORD_ENDPOINTS = [
    api_register,
    page_register,
    headless_register,
    api_join,
    page_join,
    page_change,
    page_set,
    headless_change,
    page_reset,
    headless_reset,
    admin_add,
    admin_change,
    changepassword_command,
]

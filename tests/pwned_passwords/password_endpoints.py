"""Every endpoint that sets a password: each function prepares one and returns how to send a password to it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from io import StringIO
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client

from accounts.auth.tests.test_password_pages import link, parse_link, request_reset
from accounts.models import User
from accounts.tests.admin import user_change_url, user_form_data
from accounts.tests.factories import PASSWORD, InvitationFactory, UserFactory
from accounts.tests.fixtures import ApiClient, reauthenticated_browser, signed_in
from core.testing.page_client import logged_in_client

USER_DATA = {"email": "dora@example.com", "name": "Dora"}


class PasswordResult(NamedTuple):
    """The field with an error and its message; both empty if the password was accepted."""

    field: str
    message: str


SetPassword = Callable[[str], PasswordResult]


def form_result(response: HttpResponse) -> PasswordResult:
    if response.status_code == 302:
        return PasswordResult("", "")
    form = response.context["adminform"].form if "adminform" in response.context else response.context["form"]
    ((field, errors),) = form.errors.items()
    return PasswordResult(field, " ".join(errors))


def json_result(response: HttpResponse) -> PasswordResult:
    body: dict[str, Any] = response.json() if response.content else {}
    if "errors" not in body:
        return PasswordResult("", "")
    (error,) = body["errors"]
    return PasswordResult(error["field"], error["message"])


def api_register() -> SetPassword:
    return lambda password: json_result(ApiClient().post("/api/v1/auth/register/", {**USER_DATA, "password": password}))


def page_register() -> SetPassword:
    return lambda password: form_result(Client().post("/register/", {**USER_DATA, "password": password}))


def api_accept_invitation() -> SetPassword:
    InvitationFactory(inviter=UserFactory(role=User.Role.STAFF), email=USER_DATA["email"], secret="s3")
    data = {"token": "s3", "name": "Dora"}
    return lambda password: json_result(
        ApiClient().post("/api/v1/auth/register-with-invitation/", {**data, "password": password})
    )


def page_accept_invitation() -> SetPassword:
    InvitationFactory(inviter=UserFactory(role=User.Role.STAFF), email=USER_DATA["email"], secret="s3")
    return lambda password: form_result(
        Client().post("/invitation/", {"token": "s3", "name": "Dora", "password": password})
    )


def page_change() -> SetPassword:
    browser = logged_in_client(UserFactory(**USER_DATA))
    data = {"current_password": PASSWORD}
    return lambda password: form_result(browser.post("/settings/security/password/", {**data, "password": password}))


def page_set() -> SetPassword:
    browser = logged_in_client(UserFactory(**USER_DATA, password="!"))
    return lambda password: form_result(browser.post("/settings/security/password/set/", {"password": password}))


def api_change() -> SetPassword:
    client = signed_in(UserFactory(**USER_DATA))
    data = {"current_password": PASSWORD}
    return lambda password: json_result(client.post("/api/v1/me/password/", {**data, "password": password}))


def page_reset() -> SetPassword:
    UserFactory(**USER_DATA)
    request_reset(USER_DATA["email"])
    path, data = parse_link(link())
    return lambda password: form_result(Client().post(path, {**data, "password": password}))


def api_reset() -> SetPassword:
    UserFactory(**USER_DATA)
    request_reset(USER_DATA["email"])
    data = {"key": parse_link(link())[1]["key"]}
    path = "/api/v1/auth/password-reset/confirm/"
    return lambda password: json_result(ApiClient().post(path, {**data, "password": password}))


def admin_add() -> SetPassword:
    browser = reauthenticated_browser(UserFactory(role=User.Role.ADMIN))
    data = {**USER_DATA, "role": "user", "tier": "free"}
    return lambda password: form_result(browser.post("/admin/accounts/user/add/", {**data, "password": password}))


def admin_change() -> SetPassword:
    browser, dora = reauthenticated_browser(UserFactory(role=User.Role.ADMIN)), UserFactory(**USER_DATA)
    return lambda password: form_result(browser.post(user_change_url(dora), user_form_data(dora, password=password)))


def changepassword_command() -> SetPassword:
    """Prepare `manage.py changepassword`, which asks for another password three times."""
    UserFactory(**USER_DATA)

    def type_in(password: str) -> PasswordResult:
        stderr = StringIO()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("getpass.getpass", lambda **_: password)
            with suppress(CommandError):
                call_command("changepassword", USER_DATA["email"], stdout=StringIO(), stderr=stderr)
        return PasswordResult("password" if stderr.getvalue() else "", stderr.getvalue())

    return type_in


PASSWORD_ENDPOINTS = [
    api_register,
    page_register,
    api_accept_invitation,
    page_accept_invitation,
    page_change,
    page_set,
    api_change,
    page_reset,
    api_reset,
    admin_add,
    admin_change,
    changepassword_command,
]

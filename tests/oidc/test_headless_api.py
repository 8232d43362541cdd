"""allauth's API for programs opens no other way to a provider, and takes nothing away that our page would leave."""

from __future__ import annotations

import json

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import HASH_SESSION_KEY
from django.test import Client

from accounts.auth.tests.test_headless_api import Program
from accounts.tests.factories import PASSWORD
from core.security.session_store import SessionStore
from events.models import Event
from tests.oidc.conftest import link_account
from tests.oidc.provider import CLIENT_ID

pytestmark = pytest.mark.django_db
HEADLESS_PROVIDER_PATHS = "account/providers"


def signed_in(user) -> Program:
    program = Program()
    program.ask("post", "auth/login", {"email": user.email, "password": PASSWORD})
    return program


def identity_ref(identity) -> dict[str, str]:
    return {"provider": identity.provider, "account": identity.uid}


@pytest.mark.parametrize("body", [{"token": {"client_id": CLIENT_ID, "id_token": "a.b.c"}}, {"token": {}}])
def test_programs_bring_no_token_of_a_provider(body, ada, idp, database_state):
    before = database_state.state()

    answer = Client().post(
        "/_allauth/app/v1/auth/provider/token",
        json.dumps({"provider": "example", "process": "login"} | body),
        content_type="application/json",
    )

    assert answer.status_code in {400, 403}
    assert database_state.state() == before


def test_programs_are_not_sent_to_a_provider(ada, idp, database_state):
    form = {"provider": "example", "process": "login", "callback_url": "http://testserver/"}

    answer = Client().post("/_allauth/app/v1/auth/provider/redirect", form)

    assert answer.status_code == 404
    assert idp.seen("authorize") == []


def test_a_program_sees_the_identities_of_its_person(ada, idp):
    link_account(ada)

    found = signed_in(ada).ask("get", HEADLESS_PROVIDER_PATHS).json()["data"]

    assert [(one["provider"]["id"], one["uid"]) for one in found] == [("example", "248289761001")]


def test_an_identity_of_a_provider_that_is_gone_is_not_listed(ada, idp, settings):
    link_account(ada)
    program = signed_in(ada)
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": []}}

    answer = program.ask("get", HEADLESS_PROVIDER_PATHS)

    assert (answer.status_code, answer.json()["data"]) == (200, [])


def test_a_program_takes_an_identity_away_once_it_showed_who_it_is(ada, idp, database_state):
    mine, program = link_account(ada), signed_in(ada)
    before = database_state.state()

    refused = program.ask("delete", HEADLESS_PROVIDER_PATHS, identity_ref(mine))
    assert (refused.status_code, database_state.state()) == (401, before)
    program.ask("post", "auth/reauthenticate", {"password": PASSWORD})
    done = program.ask("delete", HEADLESS_PROVIDER_PATHS, identity_ref(mine))

    assert (done.status_code, done.json()["data"]) == (200, [])
    assert SocialAccount.objects.count() == 0
    assert Event.objects.filter(name="identity.unlinked", actor_id=ada.pk).count() == 1


def remove_password(user, program: Program) -> None:
    """Leave the program signed in, and confirmed, as somebody who has never had a password."""
    program.ask("post", "auth/reauthenticate", {"password": PASSWORD})
    user.set_unusable_password()
    user.save()
    session = SessionStore(program.token)
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()


def test_a_program_leaves_the_last_way_in(ada, idp, database_state):
    mine, program = link_account(ada), signed_in(ada)
    remove_password(ada, program)
    before = database_state.state()

    answer = program.ask("delete", HEADLESS_PROVIDER_PATHS, identity_ref(mine))

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "no_password")
    assert program.ask("get", HEADLESS_PROVIDER_PATHS).status_code == 200
    assert database_state.state() == before


def test_a_program_takes_one_of_two_identities_of_somebody_without_a_password_away(ada, idp):
    mine, program = link_account(ada), signed_in(ada)
    remove_password(ada, program)
    other = SocialAccount.objects.create(user=ada, provider="example", uid="7", extra_data={})

    answer = program.ask("delete", HEADLESS_PROVIDER_PATHS, identity_ref(mine))

    assert answer.status_code == 200
    assert list(SocialAccount.objects.all()) == [other]


def test_a_program_is_told_of_no_provider_to_bring_a_token_of(idp):
    assert Program().ask("get", "config").json()["data"]["socialaccount"]["providers"] == []

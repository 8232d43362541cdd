from __future__ import annotations

import pytest

from accounts.models import User

NEW = {"name": "Nora Berg", "email": "Nora@Example.com", "password": "seven quiet geese"}


def test_makes_an_account_and_signs_it_in(client, db, outbox):
    response = client.post("/register/", NEW)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/").status_code == 200
    assert User.objects.get().email == "nora@example.com"
    assert outbox.names() == ["user.registered", "session.opened"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "no address"}, "email"),
        ({"name": ""}, "name"),
        ({"password": "short"}, "password"),
        ({"name": "a\x00"}, "name"),
    ],
)
def test_names_what_is_wrong(wrong, field, client, db):
    response = client.post("/register/", NEW | wrong)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert User.objects.count() == 0


def test_refuses_an_address_that_is_taken(client, alice):
    response = client.post("/register/", NEW | {"email": "ALICE@example.com"})

    assert response.status_code == 422
    assert User.objects.count() == 1


def test_never_shows_a_password_again(client, db):
    response = client.post("/register/", NEW | {"email": "no"})

    assert NEW["password"] not in response.content.decode()


def test_slows_down_whoever_registers_too_often(client, db, settings):
    settings.REGISTER_RATE = "1/h"
    client.post("/register/", NEW | {"password": "short"})

    response = client.post("/register/", NEW)

    assert response.status_code == 429
    assert User.objects.count() == 0

"""The registration page."""

from __future__ import annotations

from accounts.models import User

NEW = {"name": "Nora Berg", "email": "Nora@Example.com", "password": "seven quiet geese"}


def test_registration_creates_the_user_and_signs_in(client, db, outbox):
    response = client.post("/register/", NEW)

    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/").status_code == 200
    assert User.objects.get().email == "nora@example.com"
    assert outbox.names() == ["user.registered", "session.opened"]


def test_invalid_registration_names_the_field(client, db):
    invalid_data = [{"email": "no address"}, {"name": ""}, {"password": "short"}, {"name": "a\x00"}]

    for data in invalid_data:
        response = client.post("/register/", NEW | data)

        assert response.status_code == 422, data
        assert list(response.context["form"].errors) == list(data)
    assert User.objects.count() == 0


def test_registration_with_a_taken_email_is_rejected(client, alice):
    response = client.post("/register/", NEW | {"email": "ALICE@example.com"})

    assert response.status_code == 422
    assert User.objects.count() == 1


def test_rejected_registration_does_not_render_the_password(client, db):
    response = client.post("/register/", NEW | {"email": "no"})

    assert NEW["password"] not in response.content.decode()


def test_registration_is_rate_limited(client, db, settings):
    settings.REGISTER_RATE = "1/h"
    client.post("/register/", NEW | {"password": "short"})

    response = client.post("/register/", NEW)

    assert response.status_code == 429
    assert User.objects.count() == 0

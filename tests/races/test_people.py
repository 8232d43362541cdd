"""Coming and going at the same moment: one invitation lets one in, one account has one end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import links, services
from accounts.models import Departure, Export, Invitation, User
from accounts.tests.factories import PASSWORD, UserFactory
from core.errors import Conflict, NotFound, NotSignedIn
from core.testing.together import together
from events.models import Event

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


def invitation_of(inviter: User, email: str) -> str:
    link = links.new_link()
    Invitation.objects.create(email=email, inviter=inviter, secret_hash=link.hash, expires_at=NOW + timedelta(days=7))
    return link.secret


def kinds(outcomes: list[object]) -> list[str]:
    return sorted(type(one).__name__ for one in outcomes)


def test_eight_who_follow_one_link_are_one_person(carol):
    token = invitation_of(carol, "nina@example.com")

    outcomes = together([lambda: services.join(token=token, name="Nina", password="a quiet river bends", now=NOW)] * 8)

    assert kinds(outcomes) == ["NotFound"] * 7 + ["User"]
    assert User.objects.filter(email="nina@example.com").count() == 1
    assert Event.objects.filter(name="user.invitation_accepted").count() == 1


def test_withdrawing_and_accepting_have_one_winner(carol):
    token = invitation_of(carol, "nina@example.com")
    key = Invitation.objects.get().pk

    join, revoke = together(
        [
            lambda: services.join(token=token, name="Nina", password="a quiet river bends", now=NOW),
            lambda: services.revoke_invitation(actor=carol, invitation_id=key, now=NOW),
        ]
    )

    is_in = isinstance(join, User)
    assert isinstance(join, User | NotFound)
    assert isinstance(revoke, Conflict) == is_in
    assert User.objects.filter(email="nina@example.com").exists() == is_in


def test_of_many_requests_for_an_archive_one_is_under_way(alice):
    outcomes = together([lambda: services.request_export(actor=alice, now=NOW)] * 8)

    assert kinds(outcomes) == ["Conflict"] * 7 + ["Export"]
    assert Export.objects.count() == 1


def test_of_two_last_administrators_who_leave_together_one_stays(admin):
    other = UserFactory(handle="other", role=User.Role.ADMIN)

    outcomes = together(
        [lambda one=one: services.leave(actor=one, confirmation=PASSWORD, now=NOW) for one in (admin, other)]
    )

    assert kinds(outcomes) == ["Conflict", "Departure"]
    assert User.objects.active().filter(role=User.Role.ADMIN).count() == 1


def test_asking_to_leave_twice_at_once_leaves_once(alice):
    outcomes = together([lambda: services.leave(actor=alice, confirmation=PASSWORD, now=NOW)] * 4)

    assert [one for one in outcomes if isinstance(one, Departure)] != []
    assert kinds(outcomes) == ["Departure"] + [NotSignedIn.__name__] * 3
    assert Departure.objects.count() == 1


def test_coming_back_at_the_last_moment_and_being_erased_have_one_winner(alice):
    link = links.new_link()
    User.objects.filter(pk=alice.pk).update(is_active=False)
    due = NOW + timedelta(days=14)
    Departure.objects.create(user=alice, secret_hash=link.hash, requested_at=NOW, due_at=due)

    stay, erased = together(
        [
            lambda: services.stay(token=link.secret, now=due - timedelta(seconds=1)),
            lambda: services.erase_the_departed(now=due),
        ]
    )

    person = User.objects.get(pk=alice.pk)
    came_back = isinstance(stay, User)
    assert (person.is_active, person.erased_at is None, erased) == (came_back, came_back, 0 if came_back else 1)


def test_two_schedulers_erase_once(alice):
    User.objects.filter(pk=alice.pk).update(is_active=False)
    Departure.objects.create(
        user=alice, secret_hash="x", requested_at=NOW - timedelta(days=15), due_at=NOW - timedelta(days=1)
    )

    outcomes = together([lambda: services.erase_the_departed(now=NOW)] * 4)

    assert sorted(outcomes) == [0, 0, 0, 1]
    assert Event.objects.filter(name="user.erased").count() == 1

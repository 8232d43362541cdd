from __future__ import annotations

import pytest

from notifications.kinds import DEFAULT_PREFERENCES, Channel, Kind
from notifications.models import Preference
from notifications.preferences import selectors, services

pytestmark = pytest.mark.django_db


def test_everything_is_as_by_default_until_somebody_says_otherwise(bob):
    found = selectors.get_preferences(bob)

    assert {(kind, channel): on for kind, row in found.items() for channel, on in row.items()} == DEFAULT_PREFERENCES


def test_saying_it_twice_or_otherwise_keeps_one_word(bob):
    for enabled in (False, False, True, False):
        services.set_preferences(actor=bob, switches={Kind.COMMENTED: {Channel.EMAIL: enabled}})

    assert Preference.objects.get().enabled is False


def test_only_what_is_named_is_switched(bob, carol):
    services.set_preferences(actor=bob, switches={Kind.COMMENTED: {Channel.EMAIL: False}})

    found = selectors.get_preferences(bob)
    assert found[Kind.COMMENTED] == {Channel.INBOX: True, Channel.EMAIL: False}
    assert found[Kind.ASSIGNED] == {Channel.INBOX: True, Channel.EMAIL: True}
    assert selectors.get_preferences(carol)[Kind.COMMENTED][Channel.EMAIL] is True


def test_the_channels_of_many_people_are_one_question(bob, carol, django_assert_num_queries):
    services.set_preferences(actor=bob, switches={Kind.ASSIGNED: {Channel.INBOX: False}})

    with django_assert_num_queries(1):
        found = selectors.channels_by_user(Kind.ASSIGNED, [bob.pk, carol.pk])

    assert found == {bob.pk: {Channel.EMAIL}, carol.pk: {Channel.INBOX, Channel.EMAIL}}

from __future__ import annotations

import pytest

from notifications.kinds import DEFAULT_PREFERENCES, Channel, Kind
from notifications.models import Preference
from notifications.preferences import selectors, services

pytestmark = pytest.mark.django_db


def test_preferences_without_choices_are_the_defaults(bob):
    matrix = selectors.get_preferences(bob)

    by_pair = {(kind, channel): enabled for kind, row in matrix.items() for channel, enabled in row.items()}
    assert by_pair == DEFAULT_PREFERENCES


def test_repeated_changes_keep_one_row(bob):
    for enabled in (False, False, True, False):
        services.set_preferences(actor=bob, changes={Kind.COMMENTED: {Channel.EMAIL: enabled}})

    assert Preference.objects.get().enabled is False


def test_changes_leave_other_channels_and_users_alone(bob, carol):
    services.set_preferences(actor=bob, changes={Kind.COMMENTED: {Channel.EMAIL: False}})

    matrix = selectors.get_preferences(bob)
    assert matrix[Kind.COMMENTED] == {Channel.INBOX: True, Channel.EMAIL: False}
    assert matrix[Kind.ASSIGNED] == {Channel.INBOX: True, Channel.EMAIL: True}
    assert selectors.get_preferences(carol)[Kind.COMMENTED][Channel.EMAIL] is True


def test_channels_by_user_need_one_query(bob, carol, django_assert_num_queries):
    services.set_preferences(actor=bob, changes={Kind.ASSIGNED: {Channel.INBOX: False}})

    with django_assert_num_queries(1):
        channels = selectors.channels_by_user(Kind.ASSIGNED, [bob.pk, carol.pk])

    assert channels == {bob.pk: {Channel.EMAIL}, carol.pk: {Channel.INBOX, Channel.EMAIL}}

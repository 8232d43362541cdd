from collections.abc import Iterable
from uuid import UUID

from accounts.models import User
from notifications.kinds import DEFAULT_PREFERENCES, Channel, Kind
from notifications.models import Preference

PreferenceMatrix = dict[Kind, dict[Channel, bool]]


def get_preferences(user: User) -> PreferenceMatrix:
    """Return for every kind and channel whether this person is told, by his own word or by default."""
    matrix: PreferenceMatrix = {
        kind: {channel: DEFAULT_PREFERENCES[kind, channel] for channel in Channel} for kind in Kind
    }
    # A newer release may know more kinds while it replaces this one.
    said = Preference.objects.filter(user=user, kind__in=Kind.values)
    for kind, channel, enabled in said.values_list("kind", "channel", "enabled"):
        matrix[Kind(kind)][Channel(channel)] = enabled
    return matrix


def matrix_version(matrix: PreferenceMatrix) -> int:
    """Return the switches as a number: two are the same exactly when every switch is."""
    switches = [on for row in matrix.values() for on in row.values()]
    return sum(1 << place for place, on in enumerate(switches) if on)


def channels_by_user(kind: Kind, user_ids: Iterable[UUID]) -> dict[UUID, set[Channel]]:
    """Return by which channels each of these people wants to hear of this kind; one query for all of them."""
    ids = list(user_ids)
    usual = {channel for channel in Channel if DEFAULT_PREFERENCES[kind, channel]}
    found = {user_id: set(usual) for user_id in ids}
    said = Preference.objects.filter(user__in=ids, kind=kind)
    for user_id, channel, enabled in said.values_list("user_id", "channel", "enabled"):
        if enabled:
            found[user_id].add(Channel(channel))
        else:
            found[user_id].discard(Channel(channel))
    return found

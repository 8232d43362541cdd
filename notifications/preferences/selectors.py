"""Read notification preferences, with the defaults for what a user has not chosen."""

from collections.abc import Iterable
from uuid import UUID

from accounts.models import User
from notifications.kinds import DEFAULT_PREFERENCES, Channel, Kind
from notifications.models import Preference


class PreferenceMatrix(dict[Kind, dict[Channel, bool]]):
    """Whether a user is notified, by kind and channel."""

    @property
    def version(self) -> int:
        """The preferences as a number, one bit per kind and channel: a version for ETag and If-Match."""
        # In the order of the enums. A preference turned off and on again is the same version, as an ETag must be.
        flags = [enabled for channels in self.values() for enabled in channels.values()]
        return sum(1 << index for index, enabled in enumerate(flags) if enabled)


def get_preferences(user: User) -> PreferenceMatrix:
    """Return for every kind and channel whether the user is notified."""
    matrix = PreferenceMatrix(
        (kind, {channel: DEFAULT_PREFERENCES[kind, channel] for channel in Channel}) for kind in Kind
    )
    # Rows of a newer release may hold kinds that are unknown here.
    preferences = Preference.objects.filter(user=user, kind__in=Kind.values)
    for kind, channel, enabled in preferences.values_list("kind", "channel", "enabled"):
        matrix[Kind(kind)][Channel(channel)] = enabled
    return matrix


def channels_by_user(kind: Kind, user_ids: Iterable[UUID]) -> dict[UUID, set[Channel]]:
    """Return the channels each user has turned on for this kind, in one query."""
    ids = list(user_ids)
    channels = {user_id: {channel for channel in Channel if DEFAULT_PREFERENCES[kind, channel]} for user_id in ids}
    preferences = Preference.objects.filter(user__in=ids, kind=kind)
    for user_id, channel, enabled in preferences.values_list("user_id", "channel", "enabled"):
        if enabled:
            channels[user_id].add(Channel(channel))
        else:
            channels[user_id].discard(Channel(channel))
    return channels

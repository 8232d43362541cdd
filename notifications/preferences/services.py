"""Change notification preferences."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from accounts.models import User
from core.errors import VersionConflict
from notifications.kinds import Channel, Kind
from notifications.models import Preference
from notifications.preferences import selectors

PreferenceChanges = Mapping[Kind, Mapping[Channel, bool]]


@transaction.atomic
def set_preferences(*, actor: User, changes: PreferenceChanges, versions: frozenset[int] | None = None) -> None:
    """Turn kinds on or off by channel; kinds and channels left out stay as they are.

    Raises VersionConflict unless the present version is one of `versions` (If-Match).
    """
    # Preferences have no row to lock before the first change, so the user's row stands for them.
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if versions is not None and (matrix := selectors.get_preferences(actor)).version not in versions:
        raise VersionConflict(
            version=matrix.version,
            current={kind.value: _to_json(matrix[kind]) for kind in changes},
            requested={kind.value: _to_json({**matrix[kind], **channels}) for kind, channels in changes.items()},
        )
    rows = [
        Preference(user=actor, kind=kind, channel=channel, enabled=enabled)
        for kind, channels in changes.items()
        for channel, enabled in channels.items()
    ]
    Preference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "kind", "channel"], update_fields=["enabled"]
    )


def _to_json(channels: Mapping[Channel, bool]) -> dict[str, bool]:
    return {channel.value: enabled for channel, enabled in channels.items()}

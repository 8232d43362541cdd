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
def set_preferences(*, actor: User, switches: PreferenceChanges, versions: frozenset[int] | None = None) -> None:
    """Turn the given kinds on or off on the given channels; those not named stay as they are."""
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if versions is not None:
        _check_version(selectors.get_preferences(actor), versions, switches)
    rows = [
        Preference(user=actor, kind=kind, channel=channel, enabled=enabled)
        for kind, channels in switches.items()
        for channel, enabled in channels.items()
    ]
    Preference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "kind", "channel"], update_fields=["enabled"]
    )


def _check_version(matrix: selectors.PreferenceMatrix, versions: frozenset[int], switches: PreferenceChanges) -> None:
    version = selectors.matrix_version(matrix)
    if version not in versions:
        wanted = {kind.value: _to_json({**matrix[kind], **channels}) for kind, channels in switches.items()}
        raise VersionConflict(
            version=version, current={kind.value: _to_json(matrix[kind]) for kind in switches}, wanted=wanted
        )


def _to_json(row: Mapping[Channel, bool]) -> dict[str, bool]:
    return {channel.value: enabled for channel, enabled in row.items()}

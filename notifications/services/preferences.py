from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from accounts.models import User
from core.errors import Stale
from notifications import selectors
from notifications.kinds import Channel, Kind
from notifications.models import Preference

Switches = Mapping[Kind, Mapping[Channel, bool]]


@transaction.atomic
def set_preferences(*, actor: User, switches: Switches, versions: frozenset[int] | None = None) -> None:
    """Turn the given kinds on or off on the given channels; those not named stay as they are."""
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if versions is not None:
        _check_version(selectors.preferences(actor), versions, switches)
    rows = [
        Preference(user=actor, kind=kind, channel=channel, enabled=enabled)
        for kind, channels in switches.items()
        for channel, enabled in channels.items()
    ]
    Preference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "kind", "channel"], update_fields=["enabled"]
    )


def _check_version(matrix: selectors.Matrix, versions: frozenset[int], switches: Switches) -> None:
    version = selectors.version_of(matrix)
    if version not in versions:
        wanted = {kind.value: _plain({**matrix[kind], **channels}) for kind, channels in switches.items()}
        raise Stale(version=version, current={kind.value: _plain(matrix[kind]) for kind in switches}, wanted=wanted)


def _plain(row: Mapping[Channel, bool]) -> dict[str, bool]:
    return {channel.value: enabled for channel, enabled in row.items()}

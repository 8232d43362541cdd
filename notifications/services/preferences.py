from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from accounts.models import User
from notifications.kinds import Channel, Kind
from notifications.models import Preference

Switches = Mapping[Kind, Mapping[Channel, bool]]


@transaction.atomic
def set_preferences(*, actor: User, switches: Switches) -> None:
    """Turn the given kinds on or off on the given channels; those not named stay as they are."""
    rows = [
        Preference(user=actor, kind=kind, channel=channel, enabled=enabled)
        for kind, channels in switches.items()
        for channel, enabled in channels.items()
    ]
    Preference.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["user", "kind", "channel"], update_fields=["enabled"]
    )

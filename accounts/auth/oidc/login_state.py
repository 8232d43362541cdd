"""The sign-ins that a browser has started at providers, in its session: each may return once, within ten minutes."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest

STATES_KEY = "_oidc_states"
MAX_AGE = 600
# Each tab may have one; the oldest is forgotten first.
MAX_STATES = 10


def save(request: HttpRequest, state_id: str, *, provider_id: str, data: dict[str, Any]) -> None:
    states: dict[str, Any] = request.session.get(STATES_KEY, {})
    states[state_id] = {"provider_id": provider_id, "data": data, "started_at": time.time()}
    newest = sorted(states.items(), key=lambda item: item[1]["started_at"])[-MAX_STATES:]
    request.session[STATES_KEY] = dict(newest)
    request.session.save()


def take(request: HttpRequest, state_id: str, *, provider_id: str) -> dict[str, Any] | None:
    """Remove a state and return its data; None for one that is unknown, expired or another provider's.

    It is removed at once, as talking to the provider takes a while.
    """
    states: dict[str, Any] = request.session.get(STATES_KEY, {})
    state = states.get(state_id)
    if state is None or state["provider_id"] != provider_id:
        return None
    del states[state_id]
    request.session[STATES_KEY] = states
    request.session.save()
    data: dict[str, Any] = state["data"]
    return data if time.time() - state["started_at"] <= MAX_AGE else None

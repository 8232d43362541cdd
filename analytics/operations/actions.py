"""Actions of operators, each written to the log with who did it."""

from __future__ import annotations

import structlog

from accounts.models import User
from analytics.operations import selectors

log = structlog.get_logger(__name__)


def run_action(*, actor: User, panel_key: str, action_key: str) -> int:
    """Run an action of a panel; return to how many objects it was done. Raises NotAllowed, NotFound."""
    selectors.require_operator(actor)
    panel, action = selectors.get_action(panel_key, action_key)
    count = action.run()
    log.warning("operator_action", panel=panel.key, action=action.key, count=count, user=str(actor.pk))
    return count

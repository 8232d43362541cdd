"""Everybody who keeps something about a person: what is exported for them, and what is forgotten with them.

In the order of forgetting: from the apps above, which still need to know who it was, down to the log.
"""

from analytics.personal import KEEPER as ANALYTICS
from notifications.personal import KEEPER as NOTIFICATIONS
from tasks.personal import KEEPER as TASKS

from gateway.personal import KEEPER as GATEWAY  # isort: skip
from accounts.personal import KEEPER as ACCOUNTS  # isort: skip
from events.personal import KEEPER as EVENTS  # isort: skip

KEEPERS = (ANALYTICS, NOTIFICATIONS, TASKS, GATEWAY, ACCOUNTS, EVENTS)

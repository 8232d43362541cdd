"""Everybody who keeps something about a person: what is exported for them, and what is forgotten with them.

In the order of forgetting: from the apps above, which still need to know who it was, down to the log.
"""

from analytics.privacy import PROVIDER as ANALYTICS
from notifications.privacy import PROVIDER as NOTIFICATIONS
from tasks.privacy import PROVIDER as TASKS

from core.api.privacy import PROVIDER as GATEWAY  # isort: skip
from accounts.privacy.personal_data import PROVIDER as ACCOUNTS  # isort: skip
from events.privacy import PROVIDER as EVENTS  # isort: skip


PROVIDERS = (ANALYTICS, NOTIFICATIONS, TASKS, GATEWAY, ACCOUNTS, EVENTS)

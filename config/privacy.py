"""Personal data providers of all apps, for data export and erasure (GDPR).

The order is that of erasure: from the upper apps, which still look up the user, down to the event log.
"""

from analytics.privacy import PROVIDER as ANALYTICS
from notifications.privacy import PROVIDER as NOTIFICATIONS
from tasks.privacy import PROVIDER as TASKS

from core.api.privacy import PROVIDER as GATEWAY  # isort: skip
from accounts.privacy.personal_data import PROVIDER as ACCOUNTS  # isort: skip
from events.privacy import PROVIDER as EVENTS  # isort: skip


PROVIDERS = (ANALYTICS, NOTIFICATIONS, TASKS, GATEWAY, ACCOUNTS, EVENTS)

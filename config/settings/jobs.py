"""What happens later, and who is told of what. The broker carries ids only; what must not be lost is in PostgreSQL."""

from __future__ import annotations

from typing import Any

from config import env, subscriptions
from config.schedule import SCHEDULE
from config.settings.stores import REDIS_URL

# kombu names sockets and databases in its own way.
CELERY_BROKER_URL = env.text(
    "CELERY_BROKER_URL", REDIS_URL.replace("unix://", "redis+socket://").replace("?db=", "?virtual_host=")
)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 4
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if not CELERY_BROKER_URL.startswith("amqp"):
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "visibility_timeout": 60,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
    }
CELERY_TASK_PUBLISH_RETRY = False
# After so many jobs Celery closes the pool; by default after each one. config.celery gives connections back instead.
CELERY_DB_REUSE_MAX = 1_000_000
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = SCHEDULE
SUBSCRIPTIONS = subscriptions.SUBSCRIPTIONS
CACHE_INVALIDATION_HOOK = "config.invalidation.invalidate"
PERSONAL_DATA_PROVIDERS = "config.privacy.PROVIDERS"
API_KEY_PROJECT_RESOLVER = "tasks.project_scope.RESOLVER"
ACCOUNT_EMAIL_QUEUE = "notifications.jobs.enqueue_account_email"

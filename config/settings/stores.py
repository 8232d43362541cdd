"""PostgreSQL, which holds everything, and Redis, which may vanish."""

from __future__ import annotations

from typing import Any

from redis.backoff import NoBackoff
from redis.retry import Retry

from config import env

# PostgreSQL. The pool is per process; max_size covers the threads of gateway.threads plus the relay's own.
WSGI_THREADS = env.integer("WSGI_THREADS", 4)
DATABASES: dict[str, Any] = {"default": env.database("DATABASE_URL", "postgresql://taskflow@127.0.0.1/taskflow")}
DATABASES["default"]["OPTIONS"].update(
    {
        "pool": {"min_size": 1, "max_size": WSGI_THREADS + 2, "timeout": 5},
        "connect_timeout": 5,
        # One wrong letter in a short word: the default of 0.6 finds "gateway" no more when one types "gatway".
        # Compiling a plan takes longer than any question here.
        "options": "-c pg_trgm.word_similarity_threshold=0.45 -c jit=off"
        f" -c statement_timeout={env.integer('STATEMENT_TIMEOUT_MS', 0)}",
        # Off behind a pooler that does not keep prepared statements (pgbouncer before 1.21).
        "prepare_threshold": 5 if env.boolean("PREPARED_STATEMENTS", True) else None,
    }
)
DATABASES["default"]["CONN_MAX_AGE"] = 0
SLOW_QUERY_MS = env.integer("SLOW_QUERY_MS", 200)
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True

# Redis: a cache that may vanish. Every call gives up after half a second, and nothing fails because of it.
REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "taskflow",
        "OPTIONS": {
            "CONNECTION_POOL_KWARGS": {
                "socket_timeout": 0.5,
                "socket_connect_timeout": 0.5,
                "retry": Retry(NoBackoff(), 0),
            },
            "IGNORE_EXCEPTIONS": True,
        },
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql.operations import DatabaseOperations
from django_prometheus.db.backends.postgresql.base import DatabaseWrapper as PrometheusWrapper

from core import clock
from core.postgresql import availability
from core.postgresql.metrics import record_pool_stats
from core.postgresql.statements import run_statement


class PreparedOperations(DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """Return the SQL; of a prepared statement without the values."""
        return super().last_executed_query(cursor, sql, params) or sql


class DatabaseWrapper(PrometheusWrapper):
    ops_class = PreparedOperations

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if isinstance(pool_options := self.settings_dict["OPTIONS"].get("pool"), dict):
            pool_options.setdefault("reconnect_failed", availability.on_reconnect_failed)
            pool_options.setdefault("connection_class", availability.WatchedConnection)
        # Django's own hook, so a query is timed whichever cursor it uses.
        self.execute_wrappers.append(run_statement)
        self._parameters: dict[str, Any] = {}

    def connect(self) -> None:
        """Connect, or take a connection of the pool; set the clock by it now and then."""
        super().connect()
        clock.synchronise(self.connection)

    def get_connection_params(self) -> dict[str, Any]:
        """Return the parameters, computed once per database: with a pool Django asks at every request."""
        if not self._parameters or self._parameters.get("dbname") != self.settings_dict["NAME"]:
            self._parameters = super().get_connection_params()
        return dict(self._parameters)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        pool = self.pool
        if pool is None:
            return super().get_new_connection(conn_params)
        availability.require_reachable()
        # With a pool this is a connection taken, not one opened, so it is the moment to measure.
        connection = super().get_new_connection(conn_params)
        # After a restart of the server all idle connections of the pool are dead, and no more than it may hold.
        for _ in range(pool.max_size):
            if not availability.is_dead(connection):
                break
            connection.close()
            pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        record_pool_stats(pool)
        return connection

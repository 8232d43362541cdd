"""Django's PostgreSQL backend with prepared statements, a slow-query log and figures of the pool."""

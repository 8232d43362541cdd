"""Django's PostgreSQL backend with prepared statements, a slow-query log and metrics of the pool."""

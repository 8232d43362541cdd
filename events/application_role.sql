-- Privileges of a database role for the application, which may add events but not change, delete or reorder them.
-- Migrations run as the owner of the tables; the application as this role:
--     psql "$OWNER_DATABASE_URL" -v role=taskflow_app -f events/application_role.sql
-- Run it again after each migration that adds tables.

GRANT USAGE ON SCHEMA public TO :role;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :role;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :role;

-- The log. The relay sets these columns once, when it appends an event; a trigger refuses a second time.
REVOKE UPDATE, DELETE, TRUNCATE ON events_event, events_loghead, events_personaldata FROM :role;
GRANT UPDATE (position, hash, payload, commitments, append_error) ON events_event TO :role;
GRANT UPDATE (position, hash) ON events_loghead TO :role;
-- Personal data of erased users.
GRANT DELETE ON events_personaldata TO :role;

-- The application reads which migrations were applied, and applies none.
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM :role;

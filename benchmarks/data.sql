-- One thing a part; `mixed(n, salt)` is a number from 0 to 1 that looks random and is always the same.
CREATE FUNCTION pg_temp.mixed(n bigint, salt int) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashint8extended(n, salt) & 2147483647) / 2147483648.0;

CREATE FUNCTION pg_temp.uuid_at(moment timestamptz, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n & 4095), 3, '0')
        || '8' || substr(md5(n::text), 1, 15))::uuid;

CREATE FUNCTION pg_temp.digit(number int, place int) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substr('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz', mod(number / (62 ^ place)::int, 62) + 1, 1);

INSERT INTO accounts_user (id, password, email, handle, name, role, tier, time_zone, language, theme, is_active, version, created_at)
SELECT pg_temp.uuid_at('2024-01-01 00:00Z', n), '!', 'bench' || n || '@example.com', 'bench' || n, 'Person ' || n,
       CASE WHEN n = 1 THEN 'staff' ELSE 'user' END, 'load', 'UTC', 'en', 'system', true, 1, '2024-01-01 00:00Z'
FROM generate_series(1, %(people)s) n;

INSERT INTO tasks_project (id, key, name, description, is_inbox, owner_id, next_number, version, created_at, updated_at)
SELECT pg_temp.uuid_at('2024-01-02 00:00Z', n), 'B' || lpad(n::text, 4, '0'), 'Project ' || n, '', false,
       pg_temp.uuid_at('2024-01-01 00:00Z', 2 + mod(n, %(people)s - 1)), 1, 1, '2024-01-02 00:00Z', '2024-01-02 00:00Z'
FROM generate_series(1, %(projects)s) n;

INSERT INTO tasks_state (id, project_id, slug, name, category, position)
SELECT pg_temp.uuid_at('2024-01-03 00:00Z', n * 4 + ord), pg_temp.uuid_at('2024-01-02 00:00Z', n), category, category, category, ord
FROM generate_series(1, %(projects)s) n,
     unnest(ARRAY['todo', 'in_progress', 'done', 'cancelled']) WITH ORDINALITY AS states (category, ord);

INSERT INTO tasks_label (id, project_id, name, colour, version, created_at)
SELECT pg_temp.uuid_at('2024-01-04 00:00Z', n * 8 + ord), pg_temp.uuid_at('2024-01-02 00:00Z', n), name, '#3d52d5', 1, '2024-01-04 00:00Z'
FROM generate_series(1, %(projects)s) n,
     unnest(ARRAY['bug', 'customer', 'documents', 'later', 'money', 'safety']) WITH ORDINALITY AS labels (name, ord);

-- Person 2 is in one project, person 3 in twenty, person 4 in two hundred; the others in twelve or so, and owners in their own.
INSERT INTO tasks_projectmember (project_id, user_id, role, effective_role, created_at)
SELECT DISTINCT pg_temp.uuid_at('2024-01-02 00:00Z', p), pg_temp.uuid_at('2024-01-01 00:00Z', u), 'editor', 'editor', timestamptz '2024-01-05 00:00Z'
FROM generate_series(1, %(projects)s) p, generate_series(2, %(people)s) u
WHERE CASE u WHEN 2 THEN p = 60 WHEN 3 THEN mod(p, 15) = 0 WHEN 4 THEN p > 100
      ELSE pg_temp.mixed(p * 1000 + u, 1) < 12.0 / %(projects)s OR u = 2 + mod(p, %(people)s - 1) END;

INSERT INTO tasks_projectmember (project_id, user_id, role, effective_role, created_at)
SELECT pg_temp.uuid_at('2024-01-02 00:00Z', p), u.id, 'admin', 'admin', timestamptz '2024-01-05 00:00Z'
FROM generate_series(1, %(projects)s) p, accounts_user u WHERE u.email = 'load@example.com' AND mod(p, 15) = 7;

-- Two years of work, ever more of it; a quarter of the projects gets half of the tasks.
CREATE TEMP TABLE planned ON COMMIT DROP AS
SELECT n, p, pg_temp.uuid_at(moment, n) AS id, moment,
       row_number() OVER (PARTITION BY p ORDER BY n)::int AS number,
       CASE WHEN pg_temp.mixed(n, 3) < 0.10 THEN 'todo' WHEN pg_temp.mixed(n, 3) < 0.13 THEN 'in_progress'
            WHEN pg_temp.mixed(n, 3) < 0.95 THEN 'done' ELSE 'cancelled' END AS category
FROM (SELECT n, 1 + floor(pg_temp.mixed(n, 2) ^ 2 * %(projects)s)::int AS p,
             %(start)s::timestamptz + interval '730 days' * sqrt(n::float8 / %(tasks)s) AS moment
      FROM generate_series(1, %(tasks)s) n) drawn;

INSERT INTO tasks_task (id, project_id, number, title, description, state_id, category, priority, position, start_date, due_date,
                        due_at, estimate, parent_id, creator_id, version, created_at, updated_at, started_at, closed_at)
SELECT id, pg_temp.uuid_at('2024-01-02 00:00Z', p), number,
       (ARRAY['Deploy', 'Fix', 'Write', 'Check', 'Order', 'Paint', 'Review', 'Translate', 'Call', 'Move'])[1 + mod(n, 10)] || ' the '
       || (ARRAY['gateway', 'report', 'invoice', 'fence', 'mail', 'plan', 'server', 'contract', 'label', 'photo', 'list'])[1 + mod(n, 11)]
       || ' of ' || (ARRAY['Ahmed', 'Berta', 'Chen', 'Dora', 'Émile', 'Fumiko', 'Grete'])[1 + mod(n, 7)] || ' ' || n,
       CASE WHEN pg_temp.mixed(n, 4) < 0.4 THEN repeat('What there is to know about number ' || n || '. ', 6) ELSE '' END,
       pg_temp.uuid_at('2024-01-03 00:00Z', p * 4 + array_position(ARRAY['todo', 'in_progress', 'done', 'cancelled'], category)),
       category, floor(pg_temp.mixed(n, 5) * 5)::int,
       'z' || pg_temp.digit(number, 5) || pg_temp.digit(number, 4) || pg_temp.digit(number, 3) || pg_temp.digit(number, 2)
       || pg_temp.digit(number, 1) || pg_temp.digit(number, 0) || 'V',
       CASE WHEN pg_temp.mixed(n, 6) < 0.2 THEN moment::date END,
       CASE WHEN pg_temp.mixed(n, 7) < 0.3 THEN moment::date + 20 END,
       CASE WHEN pg_temp.mixed(n, 7) > 0.9 THEN moment + interval '9 days' END,
       CASE WHEN pg_temp.mixed(n, 8) < 0.5 THEN 15 * (1 + mod(n, 20)) END,
       NULL, pg_temp.uuid_at('2024-01-01 00:00Z', 2 + floor(pg_temp.mixed(n, 9) * (%(people)s - 1))::int), 1 + mod(n, 4), moment,
       moment + interval '1 hour' * mod(n, 400),
       CASE WHEN category IN ('in_progress', 'done') THEN moment + interval '1 hour' END,
       CASE WHEN category IN ('done', 'cancelled') THEN moment + interval '2 hours' END
FROM planned ORDER BY n;

UPDATE tasks_project SET next_number = counted.number + 1
FROM (SELECT pg_temp.uuid_at('2024-01-02 00:00Z', p) AS id, max(number) AS number FROM planned GROUP BY p) counted
WHERE tasks_project.id = counted.id;

CREATE TEMP TABLE crews ON COMMIT DROP AS
SELECT project_id, array_agg(user_id ORDER BY user_id) AS crew FROM tasks_projectmember GROUP BY 1;

INSERT INTO tasks_taskassignee (task_id, user_id, created_at, task_created_at)
SELECT DISTINCT planned.id, crew[1 + floor(pg_temp.mixed(n * 3 + again, 10) * cardinality(crew))::int], moment, moment
FROM planned JOIN crews ON project_id = pg_temp.uuid_at('2024-01-02 00:00Z', p), generate_series(1, 2) again
WHERE pg_temp.mixed(n * 3 + again, 11) < CASE again WHEN 1 THEN 0.7 ELSE 0.15 END;

INSERT INTO tasks_task_labels (task_id, label_id)
SELECT DISTINCT id, pg_temp.uuid_at('2024-01-04 00:00Z', p * 8 + 1 + floor(pg_temp.mixed(n * 3 + again, 12) * 6)::int)
FROM planned, generate_series(1, 2) again
WHERE pg_temp.mixed(n * 3 + again, 13) < CASE again WHEN 1 THEN 0.3 ELSE 0.1 END;

-- What the pages show beyond tasks, for the same company: runs after data.sql, in its session.
UPDATE tasks_task SET state_id = tasks_state.id, category = 'in_progress', started_at = tasks_task.created_at + interval '3 hours'
FROM tasks_state WHERE tasks_state.project_id = tasks_task.project_id AND tasks_state.category = 'in_progress'
     AND tasks_task.category = 'todo' AND tasks_task.created_at > now() - interval '60 days' AND mod(number, 3) = 0;

UPDATE tasks_task SET closed_at = least(created_at + interval '1 hour' * (2 + mod(number * 37, 400)), now()) WHERE closed_at IS NOT NULL;

-- One task in eight is below another one of its project.
UPDATE tasks_task SET parent_id = parents.id
FROM tasks_task parents WHERE parents.project_id = tasks_task.project_id AND mod(tasks_task.number, 8) = 3
     AND parents.number = tasks_task.number - 2;

INSERT INTO tasks_comment (id, task_id, author_id, body, version, created_at)
SELECT pg_temp.uuid_at(task.created_at + interval '1 minute' * k, task.number * 10 + k), task.id, task.creator_id,
       'I looked at **' || task.title || '**: the numbers are right, the wording is not. See `' || task.number || '`.', 1,
       task.created_at + interval '1 hour' * k
FROM tasks_task task, generate_series(1, 3) k WHERE mod(task.number + k, 4) = 0;

INSERT INTO tasks_customfield (id, project_id, key, name, kind, description, required, version, created_at)
SELECT pg_temp.uuid_at('2024-01-06 00:00Z', n * 4 + ord), pg_temp.uuid_at('2024-01-02 00:00Z', n), key, name, kind, '', false, 1, '2024-01-06 00:00Z'
FROM generate_series(1, %(projects)s) n,
     (VALUES (1, 'points', 'Points', 'number'), (2, 'customer', 'Customer', 'text'), (3, 'size', 'Size', 'select')) fields (ord, key, name, kind);

INSERT INTO tasks_projectfield (id, project_id, field_id, key, position)
SELECT id, project_id, id, key, row_number() OVER (PARTITION BY project_id ORDER BY id) - 1 FROM tasks_customfield;

INSERT INTO tasks_customfieldoption (id, field_id, slug, name, colour, position, version)
SELECT pg_temp.uuid_at('2024-01-07 00:00Z', n * 4 + ord), pg_temp.uuid_at('2024-01-06 00:00Z', n * 4 + 3), slug, initcap(slug), '#12703f', ord - 1, 1
FROM generate_series(1, %(projects)s) n, unnest(ARRAY['small', 'medium', 'large']) WITH ORDINALITY AS options (slug, ord);

INSERT INTO tasks_customfieldvalue (id, task_id, field_id, kind, number, text, option_id)
SELECT pg_temp.uuid_at(planned.moment, planned.n * 4 + ord), planned.id, pg_temp.uuid_at('2024-01-06 00:00Z', p * 4 + ord), kind,
       CASE ord WHEN 1 THEN mod(n, 13) END, CASE ord WHEN 2 THEN 'Customer ' || mod(n, 90) END,
       CASE ord WHEN 3 THEN pg_temp.uuid_at('2024-01-07 00:00Z', p * 4 + 1 + mod(n, 3)) END
FROM planned, (VALUES (1, 'number'), (2, 'text'), (3, 'select')) fields (ord, kind) WHERE mod(n + ord, 3) = 0;

INSERT INTO tasks_checklistitem (id, task_id, text, is_done, position, version, created_at, done_at)
SELECT pg_temp.uuid_at(created_at, number * 10 + k), id, 'Step ' || k || ' of ' || title, k < 3, k, 1, created_at,
       CASE WHEN k < 3 THEN created_at END
FROM tasks_task, generate_series(1, 5) k WHERE mod(number, 10) = 0;

INSERT INTO tasks_taskwatch (id, task_id, user_id, is_watching, created_at)
SELECT pg_temp.uuid_at(created_at, number), id, creator_id, true, created_at FROM tasks_task WHERE category IN ('todo', 'in_progress');

INSERT INTO tasks_timeentry (id, task_id, user_id, started_at, ended_at, minutes, note, version, created_at)
SELECT pg_temp.uuid_at(created_at, number * 3), id, creator_id, created_at, created_at + interval '45 minutes', 45, '', 1, created_at
FROM tasks_task WHERE mod(number, 5) = 0;

-- The newest work notified everybody concerned, most of them have read it.
INSERT INTO notifications_notification (id, recipient_id, kind, title, body, url, actor_name, task_id, task_key, task_title, project_id,
                                        project_name, event_id, in_inbox, created_at, read_at)
SELECT pg_temp.uuid_at(task.created_at, row_number() OVER ()), member.user_id, 'commented',
       'Person 9 commented on ' || project.key || '-' || task.number, 'The numbers are right, the wording is not.',
       '/tasks/' || project.key || '-' || task.number || '/', 'Person 9', task.id, project.key || '-' || task.number, task.title, project.id,
       project.name, row_number() OVER (), true, task.created_at, CASE WHEN mod(task.number, 4) > 0 THEN now() END
FROM tasks_task task JOIN tasks_project project ON project.id = project_id JOIN tasks_projectmember member ON member.project_id = project.id
WHERE task.created_at > now() - interval '40 days' AND mod(task.number, 3) = 0;

-- Ten events a task. The hashes are no chain, so this log does not verify; pages don't read them.
INSERT INTO events_event (id, name, version, actor_id, subject_type, subject_id, payload, occurred_at, position, hash)
SELECT last_id + n, CASE k WHEN 0 THEN 'task.created' ELSE 'task.updated' END, 1, actor, 'task', task_id,
       jsonb_build_object('task', state) || CASE k WHEN 0 THEN '{}'::jsonb ELSE jsonb_build_object('changes', changes) END,
       moment, last_position + n, md5(n::text) || md5(n::text)
FROM (SELECT row_number() OVER (ORDER BY task.created_at + interval '20 minutes' * k, task.id, k) AS n, k, task.id AS task_id,
             task.creator_id AS actor, task.created_at + interval '20 minutes' * k AS moment,
             CASE mod(k, 3) WHEN 0 THEN '{"priority": [1, 2]}' WHEN 1 THEN '{"status": ["todo", "in_progress"]}'
                  ELSE '{"title": ["Before", "After"]}' END::jsonb AS changes,
             jsonb_build_object(
                 'id', task.id, 'key', project.key || '-' || task.number, 'number', task.number, 'project_id', project.id, 'project_key', project.key,
                 'project_name', project.name, 'is_inbox', false, 'status', category, 'category', category, 'assignee_ids', '[]'::jsonb,
                 'labels', '[]'::jsonb, 'creator_id', task.creator_id, 'parent_id', task.parent_id, 'version', k + 1, 'title', title,
                 'priority', priority, 'position', task.position, 'start_date', start_date, 'due_date', due_date, 'due_at', due_at,
                 'estimate', estimate, 'created_at', task.created_at, 'started_at', started_at, 'closed_at', closed_at,
                 'updated_at', task.updated_at) AS state
      FROM tasks_task task JOIN tasks_project project ON project.id = project_id, generate_series(0, 9) k
      WHERE project.created_at = '2024-01-02 00:00Z') numbered,
     (SELECT coalesce(max(id), 0) AS last_id, coalesce(max(position), 0) AS last_position FROM events_event) log;

SELECT setval(pg_get_serial_sequence('events_event', 'id'), (SELECT max(id) FROM events_event));

INSERT INTO events_loghead (id, position, hash) SELECT 1, max(position), repeat('0', 64) FROM events_event
ON CONFLICT (id) DO UPDATE SET position = excluded.position, hash = excluded.hash;

INSERT INTO analytics_tasksnapshot (task_id, project_id, assignee_ids, created_at, started_at, closed_at, category, due, priority, version,
                                    deleted, counted_at)
SELECT task.id, project_id, array_remove(array_agg(assignee.user_id ORDER BY assignee.user_id), NULL), task.created_at, started_at, closed_at,
       category, coalesce(due_date, (due_at AT TIME ZONE 'UTC')::date), priority, version, false, now()
FROM tasks_task task LEFT JOIN tasks_taskassignee assignee ON assignee.task_id = task.id GROUP BY task.id
ON CONFLICT (task_id) DO NOTHING

"""Triggers and the composite foreign key that keep derived columns of tasks and memberships correct.

Lists read visibility from one table, `tasks_projectmember`: triggers write into it what teams grant, in the transaction
that changes a team, its role or a member's own role.
"""

from django.db import migrations

# A task's category and project are those of its state.
ADD_COMPOSITE_KEY = """
ALTER TABLE tasks_task ADD CONSTRAINT a_task_has_the_category_of_its_state
FOREIGN KEY (state_id, project_id, category) REFERENCES tasks_state (id, project_id, category)
DEFERRABLE INITIALLY DEFERRED
"""
DROP_COMPOSITE_KEY = "ALTER TABLE tasks_task DROP CONSTRAINT a_task_has_the_category_of_its_state"

ADD_ASSIGNMENT_TRIGGERS = """
CREATE FUNCTION taskflow_set_assignment_date() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT created_at INTO NEW.task_created_at FROM tasks_task WHERE id = NEW.task_id;
    RETURN NEW;
END $$;

CREATE TRIGGER set_assignment_date BEFORE INSERT OR UPDATE OF task_id ON tasks_taskassignee
FOR EACH ROW EXECUTE FUNCTION taskflow_set_assignment_date();

CREATE FUNCTION taskflow_update_assignment_dates() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tasks_taskassignee SET task_created_at = NEW.created_at WHERE task_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER update_assignment_dates AFTER UPDATE OF created_at ON tasks_task
FOR EACH ROW WHEN (OLD.created_at <> NEW.created_at) EXECUTE FUNCTION taskflow_update_assignment_dates();
"""
DROP_ASSIGNMENT_TRIGGERS = """
DROP TRIGGER update_assignment_dates ON tasks_task;
DROP TRIGGER set_assignment_date ON tasks_taskassignee;
DROP FUNCTION taskflow_update_assignment_dates();
DROP FUNCTION taskflow_set_assignment_date();
"""

ADD_MEMBERSHIP_TRIGGERS = """
CREATE FUNCTION taskflow_highest_role(VARIADIC roles text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT role FROM unnest(roles) AS role WHERE role IS NOT NULL
    ORDER BY array_position(ARRAY['viewer', 'commenter', 'editor', 'admin'], role) DESC LIMIT 1
$$;

-- Volatile, so that it sees what was committed while its caller waited for a lock.
CREATE FUNCTION taskflow_team_role(target_project uuid, target_user uuid) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT taskflow_highest_role(VARIADIC array_agg(project_team.role::text))
    FROM tasks_projectteam project_team JOIN accounts_teammember member ON member.team_id = project_team.team_id
    WHERE project_team.project_id = target_project AND member.user_id = target_user
$$;

CREATE FUNCTION taskflow_set_effective_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.effective_role :=
        coalesce(taskflow_highest_role(NEW.role, taskflow_team_role(NEW.project_id, NEW.user_id)), '');
    IF TG_OP = 'UPDATE' AND NEW.effective_role <> OLD.effective_role AND NEW.version = OLD.version THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER set_effective_role BEFORE INSERT OR UPDATE OF role ON tasks_projectmember
FOR EACH ROW EXECUTE FUNCTION taskflow_set_effective_role();

CREATE FUNCTION taskflow_sync_member(target_project uuid, target_user uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own_role text;
    is_member boolean;
    team_role text;
BEGIN
    SELECT role INTO own_role FROM tasks_projectmember
    WHERE project_id = target_project AND user_id = target_user FOR UPDATE;
    is_member := FOUND;
    team_role := taskflow_team_role(target_project, target_user);
    IF is_member AND own_role IS NULL AND team_role IS NULL THEN
        DELETE FROM tasks_projectmember WHERE project_id = target_project AND user_id = target_user;
    ELSIF is_member THEN
        UPDATE tasks_projectmember SET role = role WHERE project_id = target_project AND user_id = target_user
        AND effective_role IS DISTINCT FROM taskflow_highest_role(role, team_role);
    ELSIF team_role IS NOT NULL THEN
        INSERT INTO tasks_projectmember (project_id, user_id, role, effective_role, version, created_at)
        VALUES (target_project, target_user, NULL, team_role, 1, now())
        ON CONFLICT (project_id, user_id) DO UPDATE SET role = tasks_projectmember.role;
    END IF;
END $$;

-- The team's row is locked: when a user joins a team while it is added to a project, the later sees the earlier.
CREATE FUNCTION taskflow_sync_team_member() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed accounts_teammember := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    PERFORM 1 FROM accounts_team WHERE id = changed.team_id FOR NO KEY UPDATE;
    PERFORM taskflow_sync_member(project_id, changed.user_id) FROM (
        SELECT project_id FROM tasks_projectteam WHERE team_id = changed.team_id ORDER BY project_id
    ) AS projects;
    RETURN NULL;
END $$;

CREATE TRIGGER sync_team_member AFTER INSERT OR DELETE ON accounts_teammember
FOR EACH ROW EXECUTE FUNCTION taskflow_sync_team_member();

CREATE FUNCTION taskflow_sync_project_team() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed tasks_projectteam := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    PERFORM 1 FROM accounts_team WHERE id = changed.team_id FOR NO KEY UPDATE;
    PERFORM taskflow_sync_member(changed.project_id, user_id) FROM (
        SELECT user_id FROM accounts_teammember WHERE team_id = changed.team_id ORDER BY user_id
    ) AS members;
    RETURN NULL;
END $$;

CREATE TRIGGER sync_project_team AFTER INSERT OR UPDATE OF role OR DELETE ON tasks_projectteam
FOR EACH ROW EXECUTE FUNCTION taskflow_sync_project_team();

CREATE FUNCTION taskflow_set_share_project() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT project_id INTO NEW.project_id FROM tasks_task WHERE id = NEW.task_id;
    RETURN NEW;
END $$;

CREATE TRIGGER set_share_project BEFORE INSERT ON tasks_taskshare
FOR EACH ROW EXECUTE FUNCTION taskflow_set_share_project();
"""
DROP_MEMBERSHIP_TRIGGERS = """
DROP TRIGGER set_share_project ON tasks_taskshare;
DROP TRIGGER sync_project_team ON tasks_projectteam;
DROP TRIGGER sync_team_member ON accounts_teammember;
DROP TRIGGER set_effective_role ON tasks_projectmember;
DROP FUNCTION taskflow_set_share_project();
DROP FUNCTION taskflow_sync_project_team();
DROP FUNCTION taskflow_sync_team_member();
DROP FUNCTION taskflow_sync_member(uuid, uuid);
DROP FUNCTION taskflow_set_effective_role();
DROP FUNCTION taskflow_team_role(uuid, uuid);
DROP FUNCTION taskflow_highest_role(text[]);
"""


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_initial"), ("accounts", "0001_initial")]
    operations = [
        migrations.RunSQL(ADD_COMPOSITE_KEY, DROP_COMPOSITE_KEY),
        migrations.RunSQL(ADD_ASSIGNMENT_TRIGGERS, DROP_ASSIGNMENT_TRIGGERS),
        migrations.RunSQL(ADD_MEMBERSHIP_TRIGGERS, DROP_MEMBERSHIP_TRIGGERS),
    ]

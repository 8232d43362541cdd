"""Teams in projects, and single tasks shared with single people.

Lists go on asking one table who sees what: triggers write into it what teams give, in the transaction of whatever
changes a team, its role or a person's own.
"""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

FILL = "UPDATE tasks_projectmember SET effective_role = role"
KEEP = """
CREATE FUNCTION taskflow_highest_role(VARIADIC roles text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT role FROM unnest(roles) AS role WHERE role IS NOT NULL
    ORDER BY array_position(ARRAY['viewer', 'commenter', 'editor', 'admin'], role) DESC LIMIT 1
$$;

-- Volatile, so that it sees what was committed while its caller waited for a lock.
CREATE FUNCTION taskflow_role_by_teams(wanted_project uuid, wanted_user uuid) RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT taskflow_highest_role(VARIADIC array_agg(given.role::text))
    FROM tasks_projectteam given JOIN accounts_teammember member ON member.team_id = given.team_id
    WHERE given.project_id = wanted_project AND member.user_id = wanted_user
$$;

CREATE FUNCTION taskflow_raise_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.effective_role :=
        coalesce(taskflow_highest_role(NEW.role, taskflow_role_by_teams(NEW.project_id, NEW.user_id)), '');
    IF TG_OP = 'UPDATE' AND NEW.effective_role <> OLD.effective_role AND NEW.version = OLD.version THEN
        NEW.version := OLD.version + 1;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER a_member_has_the_highest_role BEFORE INSERT OR UPDATE OF role ON tasks_projectmember
FOR EACH ROW EXECUTE FUNCTION taskflow_raise_role();

CREATE FUNCTION taskflow_settle_member(wanted_project uuid, wanted_user uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own text;
    is_there boolean;
    given text;
BEGIN
    SELECT role INTO own FROM tasks_projectmember
    WHERE project_id = wanted_project AND user_id = wanted_user FOR UPDATE;
    is_there := FOUND;
    given := taskflow_role_by_teams(wanted_project, wanted_user);
    IF is_there AND own IS NULL AND given IS NULL THEN
        DELETE FROM tasks_projectmember WHERE project_id = wanted_project AND user_id = wanted_user;
    ELSIF is_there THEN
        UPDATE tasks_projectmember SET role = role WHERE project_id = wanted_project AND user_id = wanted_user
        AND effective_role IS DISTINCT FROM taskflow_highest_role(role, given);
    ELSIF given IS NOT NULL THEN
        INSERT INTO tasks_projectmember (project_id, user_id, role, effective_role, version, created_at)
        VALUES (wanted_project, wanted_user, NULL, given, 1, now())
        ON CONFLICT (project_id, user_id) DO UPDATE SET role = tasks_projectmember.role;
    END IF;
END $$;

-- The team's row is locked: of who joins it and who takes it into a project at once, the later sees the earlier.
CREATE FUNCTION taskflow_settle_person() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed accounts_teammember := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    PERFORM 1 FROM accounts_team WHERE id = changed.team_id FOR NO KEY UPDATE;
    PERFORM taskflow_settle_member(project_id, changed.user_id) FROM (
        SELECT project_id FROM tasks_projectteam WHERE team_id = changed.team_id ORDER BY project_id
    ) AS places;
    RETURN NULL;
END $$;

CREATE TRIGGER a_teams_members_are_in_its_projects AFTER INSERT OR DELETE ON accounts_teammember
FOR EACH ROW EXECUTE FUNCTION taskflow_settle_person();

CREATE FUNCTION taskflow_settle_team() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed tasks_projectteam := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    PERFORM 1 FROM accounts_team WHERE id = changed.team_id FOR NO KEY UPDATE;
    PERFORM taskflow_settle_member(changed.project_id, user_id) FROM (
        SELECT user_id FROM accounts_teammember WHERE team_id = changed.team_id ORDER BY user_id
    ) AS people;
    RETURN NULL;
END $$;

CREATE TRIGGER a_teams_role_is_its_members AFTER INSERT OR UPDATE OF role OR DELETE ON tasks_projectteam
FOR EACH ROW EXECUTE FUNCTION taskflow_settle_team();

CREATE FUNCTION taskflow_place_share() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT project_id INTO NEW.project_id FROM tasks_task WHERE id = NEW.task_id;
    RETURN NEW;
END $$;

CREATE TRIGGER a_share_has_the_project_of_its_task BEFORE INSERT ON tasks_taskshare
FOR EACH ROW EXECUTE FUNCTION taskflow_place_share();
"""
LEAVE = """
DROP TRIGGER a_share_has_the_project_of_its_task ON tasks_taskshare;
DROP TRIGGER a_teams_role_is_its_members ON tasks_projectteam;
DROP TRIGGER a_teams_members_are_in_its_projects ON accounts_teammember;
DROP TRIGGER a_member_has_the_highest_role ON tasks_projectmember;
DROP FUNCTION taskflow_place_share();
DROP FUNCTION taskflow_settle_team();
DROP FUNCTION taskflow_settle_person();
DROP FUNCTION taskflow_settle_member(uuid, uuid);
DROP FUNCTION taskflow_raise_role();
DROP FUNCTION taskflow_role_by_teams(uuid, uuid);
DROP FUNCTION taskflow_highest_role(text[]);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_guests"),
        ("tasks", "0005_versions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProjectTeam",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("viewer", "Viewer"),
                            ("commenter", "Commenter"),
                            ("editor", "Editor"),
                            ("admin", "Admin"),
                        ],
                        default="editor",
                        max_length=10,
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.CreateModel(
            name="TaskShare",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.CharField(
                        choices=[("viewer", "Viewer"), ("commenter", "Commenter"), ("editor", "Editor")], max_length=10
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
        ),
        migrations.AddField(
            model_name="projectmember",
            name="effective_role",
            field=models.CharField(
                choices=[("viewer", "Viewer"), ("commenter", "Commenter"), ("editor", "Editor"), ("admin", "Admin")],
                default="",
                editable=False,
                max_length=10,
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="projectmember",
            name="role",
            field=models.CharField(
                choices=[("viewer", "Viewer"), ("commenter", "Commenter"), ("editor", "Editor"), ("admin", "Admin")],
                default="editor",
                max_length=10,
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="projectmember",
            constraint=models.CheckConstraint(
                condition=models.Q(("effective_role__in", ["viewer", "commenter", "editor", "admin"])),
                name="an_effective_role_is_known",
            ),
        ),
        migrations.AddField(
            model_name="projectteam",
            name="project",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="team_roles",
                to="tasks.project",
            ),
        ),
        migrations.AddField(
            model_name="projectteam",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="project_roles", to="accounts.team"
            ),
        ),
        migrations.AddField(
            model_name="taskshare",
            name="project",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.CASCADE, related_name="shares", to="tasks.project"
            ),
        ),
        migrations.AddField(
            model_name="taskshare",
            name="shared_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="given_shares",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="taskshare",
            name="task",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="shares", to="tasks.task"
            ),
        ),
        migrations.AddField(
            model_name="taskshare",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="task_shares", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddConstraint(
            model_name="projectteam",
            constraint=models.UniqueConstraint(fields=("project", "team"), name="a_team_is_in_a_project_once"),
        ),
        migrations.AddConstraint(
            model_name="projectteam",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["viewer", "commenter", "editor", "admin"])),
                name="a_teams_role_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="taskshare",
            constraint=models.UniqueConstraint(fields=("task", "user"), name="a_task_is_shared_once_with_a_person"),
        ),
        migrations.AddConstraint(
            model_name="taskshare",
            constraint=models.CheckConstraint(
                condition=models.Q(("role__in", ["viewer", "commenter", "editor"])), name="a_shared_role_is_known"
            ),
        ),
        migrations.RunSQL(KEEP, LEAVE),
    ]

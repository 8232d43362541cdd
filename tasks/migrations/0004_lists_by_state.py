"""Lists narrowed by status or person are read in their order from an index, however many tasks there are."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

FILL = """
UPDATE tasks_taskassignee SET task_created_at = tasks_task.created_at
FROM tasks_task WHERE tasks_task.id = tasks_taskassignee.task_id
"""
KEEP = """
CREATE FUNCTION taskflow_date_assignment() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT created_at INTO NEW.task_created_at FROM tasks_task WHERE id = NEW.task_id;
    RETURN NEW;
END $$;

CREATE TRIGGER an_assignment_has_the_date_of_its_task BEFORE INSERT OR UPDATE OF task_id ON tasks_taskassignee
FOR EACH ROW EXECUTE FUNCTION taskflow_date_assignment();

CREATE FUNCTION taskflow_date_assignments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tasks_taskassignee SET task_created_at = NEW.created_at WHERE task_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER a_task_dates_its_assignments AFTER UPDATE OF created_at ON tasks_task
FOR EACH ROW WHEN (OLD.created_at <> NEW.created_at) EXECUTE FUNCTION taskflow_date_assignments();
"""
LEAVE = """
DROP TRIGGER a_task_dates_its_assignments ON tasks_task;
DROP TRIGGER an_assignment_has_the_date_of_its_task ON tasks_taskassignee;
DROP FUNCTION taskflow_date_assignments();
DROP FUNCTION taskflow_date_assignment();
"""
TASK = {"on_delete": django.db.models.deletion.CASCADE, "related_name": "assignments", "to": "tasks.task"}
PERSON = {"on_delete": django.db.models.deletion.CASCADE, "related_name": "assignments"}


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0003_lean_indexes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField("taskassignee", "task_created_at", models.DateTimeField(editable=False, null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField("taskassignee", "task_created_at", models.DateTimeField(editable=False)),
        migrations.RunSQL(KEEP, LEAVE),
        migrations.RemoveIndex("taskassignee", "assignee_tasks"),
        migrations.AddIndex(
            "taskassignee", models.Index(fields=["user", "-task_created_at", "-task"], name="assignee_newest")
        ),
        migrations.AlterField("taskassignee", "task", models.ForeignKey(db_index=False, **TASK)),
        migrations.AlterField(
            "taskassignee", "user", models.ForeignKey(db_index=False, to=settings.AUTH_USER_MODEL, **PERSON)
        ),
        migrations.AddIndex("task", models.Index(fields=["state", "-created_at", "-id"], name="task_state_created")),
        migrations.AddIndex("task", models.Index(fields=["state", "-updated_at", "-id"], name="task_state_updated")),
        migrations.AddIndex("task", models.Index(fields=["state", "due_date", "id"], name="task_state_due")),
        migrations.AddIndex(
            "task", models.Index(fields=["parent"], condition=Q(parent__isnull=False), name="task_parent")
        ),
        migrations.RemoveIndex("task", "task_board"),
        migrations.RemoveIndex("task", "task_project_due"),
        migrations.AlterField(
            "task",
            "state",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.RESTRICT,
                related_name="tasks",
                to="tasks.state",
            ),
        ),
        migrations.AlterField(
            "task",
            "parent",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="subtasks",
                to="tasks.task",
            ),
        ),
    ]

"""A task's category and project are its state's: the database holds the three together."""

from django.db import migrations

ADD = """
ALTER TABLE tasks_task ADD CONSTRAINT a_task_has_the_category_of_its_state
FOREIGN KEY (state_id, project_id, category) REFERENCES tasks_state (id, project_id, category)
DEFERRABLE INITIALLY DEFERRED
"""
DROP = "ALTER TABLE tasks_task DROP CONSTRAINT a_task_has_the_category_of_its_state"


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_initial")]
    operations = [migrations.RunSQL(ADD, DROP)]

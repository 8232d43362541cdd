"""Notices about projects and teams. What is here touches no row; the checks are the next migration's."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0002_account_emails"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="team_id",
            field=models.UUIDField(blank=True, help_text="Null where it is not about a team.", null=True),
        ),
        migrations.AddField(
            model_name="notification",
            name="team_name",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AlterField(
            model_name="notification",
            name="kind",
            field=models.CharField(
                choices=[
                    ("assigned", "Assigned"),
                    ("mentioned", "Mentioned"),
                    ("commented", "Commented"),
                    ("due_soon", "Due soon"),
                    ("shared", "Shared with you"),
                    ("added_to_project", "Added to a project"),
                    ("added_to_team", "Added to a team"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="notification",
            name="project_id",
            field=models.UUIDField(blank=True, help_text="Null where it is about a team.", null=True),
        ),
        migrations.AlterField(
            model_name="notification",
            name="project_name",
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name="notification",
            name="task_id",
            field=models.UUIDField(
                blank=True, help_text="Null where it is about a whole project or a team.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="notification",
            name="task_key",
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AlterField(
            model_name="notification",
            name="task_title",
            field=models.TextField(blank=True),
        ),
        migrations.AlterField(
            model_name="outgoingemail",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("sending", "Sending"),
                    ("sent", "Sent"),
                    ("dead", "Given up"),
                    ("withdrawn", "Withdrawn"),
                ],
                default="queued",
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="preference",
            name="kind",
            field=models.CharField(
                choices=[
                    ("assigned", "Assigned"),
                    ("mentioned", "Mentioned"),
                    ("commented", "Commented"),
                    ("due_soon", "Due soon"),
                    ("shared", "Shared with you"),
                    ("added_to_project", "Added to a project"),
                    ("added_to_team", "Added to a team"),
                ],
                max_length=20,
            ),
        ),
    ]

import django.db.models.deletion
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="outgoingemail",
            name="kind",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Of a mail about an account.", max_length=40
            ),
        ),
        migrations.AddField(
            model_name="outgoingemail",
            name="sealed",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="What such a mail says, encrypted; forgotten once it is sent.",
            ),
        ),
        # Django would take the foreign key away and look at every row to give it back.
        migrations.RunSQL(
            "ALTER TABLE notifications_outgoingemail ALTER COLUMN notification_id DROP NOT NULL",
            "ALTER TABLE notifications_outgoingemail ALTER COLUMN notification_id SET NOT NULL",
            state_operations=[
                migrations.AlterField(
                    model_name="outgoingemail",
                    name="notification",
                    field=models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="email",
                        to="notifications.notification",
                    ),
                ),
            ],
        ),
        # Held against the rows that are there by 0004, while mail goes on.
        AddConstraintNotValid(
            model_name="outgoingemail",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", ""), ("notification__isnull", False)),
                    models.Q(("notification", None), models.Q(("kind", ""), _negated=True)),
                    _connector="OR",
                ),
                name="an_email_is_of_a_notification_or_about_an_account",
            ),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0036_calendar_feed")]

    operations = [
        migrations.AddField("savedfilter", "ordering", models.CharField(blank=True, default="", max_length=40)),
        migrations.AddField("savedfilter", "grouping", models.CharField(blank=True, default="", max_length=20)),
        migrations.AddField("savedfilter", "columns", models.JSONField(blank=True, default=list)),
    ]

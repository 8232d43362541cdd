from django.db import migrations, models

# The numbers as positions of items/fractional_indexing.py, in the same order.
CONVERT = "UPDATE tasks_projectfavourite SET position = 'z' || lpad(position, 6, '0') || 'V'"


class Migration(migrations.Migration):
    dependencies = [("tasks", "0033_board_order")]

    operations = [
        migrations.AlterField(
            model_name="projectfavourite",
            name="position",
            field=models.CharField(db_collation="C", max_length=200),
        ),
        migrations.RunSQL(CONVERT, "UPDATE tasks_projectfavourite SET position = '0'"),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0004_looks_of_departments"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="name_from",
            field=models.CharField(
                blank=True,
                choices=[
                    ("self", "chosen at sign-up"),
                    ("door", "proved by the organisation's log-in"),
                ],
                editable=False,
                max_length=4,
            ),
        ),
    ]

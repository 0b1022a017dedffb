"""The index of tickets' texts, each database by its own means; no extension is required."""

from django.db import migrations

POSTGRESQL = [
    """
    ALTER TABLE helpdesk_searchentry ADD COLUMN vector tsvector GENERATED ALWAYS AS (
        to_tsvector('simple', words) || to_tsvector('german', words)
        || to_tsvector('english', words)
    ) STORED
    """,
    # beside the row and not in a table of its own: a plan that reads them all knows what it costs
    "ALTER TABLE helpdesk_searchentry ALTER COLUMN vector SET STORAGE MAIN",
    # without the list of pending entries: many more searches than writes, and a plan that is steady
    """
    CREATE INDEX helpdesk_search_vector ON helpdesk_searchentry USING gin (vector)
    WITH (fastupdate = off)
    """,
]
SQLITE = [
    """
    CREATE VIRTUAL TABLE helpdesk_searchwords USING fts5(
        words, content='helpdesk_searchentry', content_rowid='id',
        tokenize='unicode61 remove_diacritics 2', prefix='3'
    )
    """,
    """
    CREATE TRIGGER helpdesk_search_insert AFTER INSERT ON helpdesk_searchentry BEGIN
        INSERT INTO helpdesk_searchwords (rowid, words) VALUES (new.id, new.words);
    END
    """,
    """
    CREATE TRIGGER helpdesk_search_delete AFTER DELETE ON helpdesk_searchentry BEGIN
        INSERT INTO helpdesk_searchwords (helpdesk_searchwords, rowid, words)
        VALUES ('delete', old.id, old.words);
    END
    """,
    """
    CREATE TRIGGER helpdesk_search_update AFTER UPDATE ON helpdesk_searchentry BEGIN
        INSERT INTO helpdesk_searchwords (helpdesk_searchwords, rowid, words)
        VALUES ('delete', old.id, old.words);
        INSERT INTO helpdesk_searchwords (rowid, words) VALUES (new.id, new.words);
    END
    """,
]
# a deleted row's words leave the file at once, not at the next merge of the index
SQLITE_3_42 = [
    "INSERT INTO helpdesk_searchwords (helpdesk_searchwords, rank) VALUES ('secure-delete', 1)",
]


def make(apps, schema_editor):
    connection = schema_editor.connection
    statements = {"postgresql": POSTGRESQL, "sqlite": SQLITE}[connection.vendor]
    if connection.vendor == "sqlite" and connection.Database.sqlite_version_info >= (3, 42):
        statements = statements + SQLITE_3_42
    for statement in statements:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    # column, index and triggers go with the table
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TABLE helpdesk_searchwords")


class Migration(migrations.Migration):
    dependencies = [("helpdesk", "0002_start_rows")]
    operations = [
        migrations.RunPython(make, drop),
    ]

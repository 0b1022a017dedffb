"""The database itself keeps the audit log: no line changes, none goes before its 365 days are over.

On SQLite a later change of a column makes the table anew, without its triggers: such a migration has to make
them again.
"""

from django.db import migrations

WORDS = "The audit log is only added to."

POSTGRESQL = [
    f"""
    CREATE FUNCTION helpdesk_audit_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF OLD.at < now() - interval '365 days' THEN
                RETURN OLD;
            END IF;
        END IF;
        RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER helpdesk_audit_stays BEFORE UPDATE OR DELETE ON helpdesk_auditentry
    FOR EACH ROW EXECUTE FUNCTION helpdesk_audit_stays()
    """,
    """
    CREATE TRIGGER helpdesk_audit_whole BEFORE TRUNCATE ON helpdesk_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION helpdesk_audit_stays()
    """,
]
POSTGRESQL_OFF = [
    "DROP TRIGGER helpdesk_audit_stays ON helpdesk_auditentry",
    "DROP TRIGGER helpdesk_audit_whole ON helpdesk_auditentry",
    "DROP FUNCTION helpdesk_audit_stays()",
]
SQLITE = [
    f"""
    CREATE TRIGGER helpdesk_audit_update BEFORE UPDATE ON helpdesk_auditentry BEGIN
        SELECT RAISE(ABORT, '{WORDS}');
    END
    """,
    f"""
    CREATE TRIGGER helpdesk_audit_delete BEFORE DELETE ON helpdesk_auditentry
    WHEN datetime(OLD.at) >= datetime('now', '-365 days') BEGIN
        SELECT RAISE(ABORT, '{WORDS}');
    END
    """,
]
SQLITE_OFF = [
    "DROP TRIGGER helpdesk_audit_update",
    "DROP TRIGGER helpdesk_audit_delete",
]
ON = {"postgresql": POSTGRESQL, "sqlite": SQLITE}
OFF = {"postgresql": POSTGRESQL_OFF, "sqlite": SQLITE_OFF}


def make(apps, schema_editor):
    for statement in ON[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for statement in OFF[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("helpdesk", "0015_rights_people_audit")]
    operations = [
        migrations.RunPython(make, drop),
    ]

"""The root of a provider follows its parent, and the roots of those below follow it."""

from django.db import migrations

FOLLOW = """
    CREATE FUNCTION servers_follow_root() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE servers_resourceprovider SET parent_id = parent_id
            WHERE parent_id = NEW.id AND root_id <> NEW.root_id;
        RETURN NULL;
    END $$;
    CREATE TRIGGER servers_provider_new_root BEFORE UPDATE OF parent_id ON servers_resourceprovider
        FOR EACH ROW EXECUTE FUNCTION servers_set_root();
    CREATE TRIGGER servers_provider_roots_below AFTER UPDATE OF parent_id
        ON servers_resourceprovider
        FOR EACH ROW WHEN (NEW.root_id <> OLD.root_id) EXECUTE FUNCTION servers_follow_root();
"""
STAY = """
    DROP TRIGGER servers_provider_roots_below ON servers_resourceprovider;
    DROP TRIGGER servers_provider_new_root ON servers_resourceprovider;
    DROP FUNCTION servers_follow_root();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("servers", "0009_search_for_hosts"),
    ]

    operations = [
        migrations.RunSQL(FOLLOW, STAY),
    ]

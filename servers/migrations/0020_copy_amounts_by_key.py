"""A session keeps the plan of a trigger that it made while there were few hosts, when to read whole
tables or indexes costs least. For the copies of amounts, a row that is read and not needed counts
as dear, so that their plan finds rows by key from the start.
"""

from django.db import migrations

FIND_BY_KEY = """
    ALTER FUNCTION servers_copy_amounts()
        SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
        SET cpu_tuple_cost = 1 SET cpu_index_tuple_cost = 1
"""
FREE_CHOICE = "ALTER FUNCTION servers_copy_amounts() RESET ALL"


class Migration(migrations.Migration):
    dependencies = [("servers", "0019_one_word_for_servers")]
    operations = [migrations.RunSQL(FIND_BY_KEY, FREE_CHOICE)]

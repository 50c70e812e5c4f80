"""Brings back rows: those of before the first test after each test that commits, and those that a
test has prepared as often as it wants to begin anew. Django's own way empties every table and makes
anew what follows the migrations, which costs more than most tests do, and it leaves the queue.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import connection

FIRST = "kept"
PREPARED = "prepared"
"""Schemas with the rows of the first and of the second kind."""

KEEP = """
DROP SCHEMA IF EXISTS kept CASCADE;
CREATE SCHEMA kept;

CREATE FUNCTION kept.digest_of(place text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE digest text;
BEGIN
    EXECUTE format(
        'SELECT md5(string_agg(t::text, E''\\n'' ORDER BY t::text)) FROM public.%I t', place
    ) INTO digest;
    RETURN digest;
END $$;

CREATE TABLE kept.places AS
    SELECT relname::text AS name, kept.digest_of(relname::text) AS digest, (
        SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
        WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ) AS written
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r';

DO $$
DECLARE place text;
BEGIN
    FOR place IN SELECT name FROM kept.places WHERE digest IS NOT NULL LOOP
        EXECUTE format('CREATE TABLE kept.%I AS TABLE public.%I', 'rows_of_' || place, place);
    END LOOP;
END $$;

CREATE FUNCTION kept.restore() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place kept.places;
    is_other bool;
    others text[] := '{}';
BEGIN
    FOR place IN SELECT * FROM kept.places LOOP
        IF place.digest IS NULL THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', place.name) INTO is_other;
        ELSE
            is_other := kept.digest_of(place.name) IS DISTINCT FROM place.digest;
        END IF;
        IF is_other THEN
            EXECUTE format('DELETE FROM public.%I', place.name);
            others := others || place.name;
        END IF;
    END LOOP;
    IF others && ARRAY['procrastinate_jobs'] THEN  -- its triggers write the other rows of the queue
        ALTER TABLE public.procrastinate_jobs DISABLE TRIGGER USER;
    END IF;
    FOR place IN
        SELECT * FROM kept.places WHERE name = ANY (others) AND digest IS NOT NULL
        ORDER BY name <> 'procrastinate_workers', name <> 'procrastinate_jobs'  -- their keys first
    LOOP
        EXECUTE format(
            'INSERT INTO public.%I (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM kept.%I',
            place.name, place.written, place.written, 'rows_of_' || place.name
        );
    END LOOP;
    IF others && ARRAY['procrastinate_jobs'] THEN
        ALTER TABLE public.procrastinate_jobs ENABLE TRIGGER USER;
    END IF;
END $$;
"""


def keep_rows(schema: str = FIRST) -> None:
    with connection.cursor() as cursor:
        cursor.execute(KEEP.replace("kept", schema))


def restore_rows(schema: str = FIRST) -> None:
    """The rows as they were when they were kept; what counters have given is not given again."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {schema}.restore()")


class Prepared:
    """Makes rows once, and brings them back each time that it is called again."""

    def __init__(self, make: Callable[[], None]) -> None:
        self.make = make
        self.is_made = False

    def __call__(self) -> None:
        if self.is_made:
            restore_rows(PREPARED)
        else:
            self.make()
            keep_rows(PREPARED)
            self.is_made = True

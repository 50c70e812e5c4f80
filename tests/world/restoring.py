"""Brings back rows: those of before the first test after each test that commits, and those that a
test has prepared as often as it wants to begin anew. Django's own way empties every table and makes
anew what follows the migrations, which costs more than most tests do, and it leaves the queue.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from django.db import connection

from tests.world.worker_process import url_of_database

FIRST = "kept"
PREPARED = "prepared"
"""Schemas with the rows of the first and of the second kind."""

KEEP = """
DROP SCHEMA IF EXISTS kept CASCADE;
CREATE SCHEMA kept;

-- Whatever is written has a new xmin: the marks of a table tell whether its rows are the same.
CREATE FUNCTION kept.marks_of(place text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE marks text;
BEGIN
    EXECUTE format(
        'SELECT count(*) || '' '' || sum(xmin::text::bigint) FROM public.%I', place
    ) INTO marks;
    RETURN marks;
END $$;

CREATE TABLE kept.places AS
    SELECT relname::text AS name, kept.marks_of(relname::text) AS marks, (
        SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
        WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    ) AS written
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r';

-- One statement, whose plan a session keeps, looks at all of them.
DO $$
DECLARE
    place kept.places;
    looks text[] := '{}';
BEGIN
    FOR place IN SELECT * FROM kept.places LOOP
        IF place.marks IS NULL THEN
            looks := looks || format(
                'CASE WHEN EXISTS (SELECT FROM public.%I) THEN %L END', place.name, place.name
            );
        ELSE
            EXECUTE format(
                'CREATE TABLE kept.%I AS TABLE public.%I', 'rows_of_' || place.name, place.name
            );
            looks := looks || format(
                'CASE WHEN (SELECT count(*) || '' '' || sum(xmin::text::bigint) FROM public.%I) '
                'IS DISTINCT FROM (SELECT marks FROM kept.places WHERE name = %L) THEN %L END',
                place.name, place.name, place.name
            );
        END IF;
    END LOOP;
    EXECUTE format(
        'CREATE FUNCTION kept.find_others() RETURNS text[] LANGUAGE plpgsql AS '
        '$body$ BEGIN RETURN array_remove(ARRAY[%s], NULL); END $body$',
        array_to_string(looks, ', ')
    );
END $$;

CREATE FUNCTION kept.restore() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place kept.places;
    others text[] := kept.find_others();
BEGIN
    FOR place IN SELECT * FROM kept.places WHERE name = ANY (others) LOOP
        EXECUTE format('DELETE FROM public.%I', place.name);
    END LOOP;
    IF others && ARRAY['procrastinate_jobs'] THEN  -- its triggers write the other rows of the queue
        ALTER TABLE public.procrastinate_jobs DISABLE TRIGGER USER;
    END IF;
    FOR place IN
        SELECT * FROM kept.places WHERE name = ANY (others) AND marks IS NOT NULL
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
    UPDATE kept.places SET marks = kept.marks_of(name)
        WHERE name = ANY (others) AND marks IS NOT NULL;
END $$;
"""


class _Session:
    """A session for nothing else, which knows its statements; those of tests begin anew."""

    def __init__(self) -> None:
        self.connection: psycopg.Connection | None = None

    def restore(self, schema: str) -> None:
        try:
            self._connect().execute(f"SELECT {schema}.restore()")
        except psycopg.OperationalError:  # a test has ended all sessions
            self.end()
            self._connect().execute(f"SELECT {schema}.restore()")

    def end(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _connect(self) -> psycopg.Connection:
        if self.connection is None:
            self.connection = psycopg.connect(url_of_database(), autocommit=True)
            self.connection.execute("SET lock_timeout = '60s'")
        return self.connection


_session = _Session()


def keep_rows(schema: str = FIRST) -> None:
    with connection.cursor() as cursor:
        cursor.execute(KEEP.replace("kept", schema))


def restore_rows(schema: str = FIRST) -> None:
    """The rows as they were when they were kept; what counters have given is not given again."""
    _session.restore(schema)


def end_restoring() -> None:
    """Nothing is restored after this."""
    _session.end()


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

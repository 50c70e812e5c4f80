"""The database as it was before the first test: kept aside once, and brought back after each test
that commits. Django's own way empties every table and makes anew what follows the migrations,
which costs more than most tests, and it leaves the rows of the queue.
"""

from __future__ import annotations

from django.db import connection

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
    SELECT relname::text AS name, kept.digest_of(relname::text) AS digest
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
    FOR place IN SELECT * FROM kept.places WHERE name = ANY (others) AND digest IS NOT NULL LOOP
        EXECUTE format(
            'INSERT INTO public.%I OVERRIDING SYSTEM VALUE TABLE kept.%I',
            place.name, 'rows_of_' || place.name
        );
    END LOOP;
END $$;
"""


def keep_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute(KEEP)


def restore_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT kept.restore()")

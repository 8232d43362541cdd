"""Search: one rule, in SQL, splits what is written and what is searched for.

`taskflow_fold` removes case, accents and width. `taskflow_search_tokens` splits the rest: at punctuation, so that the parts
of a file name, a host, an address, a date or a number stand in a row; scripts without spaces into pairs of characters; and
symbols such as emoji one by one. The stored vector and the query are both made of these tokens, and a search for several
that are written together is a search for a phrase.

The functions are IMMUTABLE, as a stored column demands. `lower` follows the database's locale: with LC_CTYPE "C" it leaves
letters outside ASCII as they are. `SET search_path` lets a restore run them, which starts with an empty path.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.db import migrations, models

import tasks.models.search

# Accents and points of the alphabets that are read without them, variation selectors, and characters that show nothing.
# Marks of other scripts are vowels and stay.
REMOVED = (
    r"[\u00ad\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u061c\u0640"
    r"\u064b-\u065f\u0670\u06d6-\u06dc\u180e\u1ab0-\u1aff\u1dc0-\u1dff\u200c-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\U0001f3fb-\U0001f3ff\U000e0000-\U000e01ef]"
)
# Scripts that put no spaces between words, and Hangul, whose words end in particles.
UNSPACED = (
    r"\u0e01-\u0e4e\u0e80-\u0eff\u1000-\u1049\u1050-\u109f\u1100-\u11ff\u1780-\u17d3\u3005-\u3007\u3041-\u309f"
    r"\u30a1-\u30fa\u30fc-\u312f\u3131-\u318f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff"
    r"\uf900-\ufaff\U00020000-\U0003ffff"
)
SYMBOLS = r"\u20a0-\u20cf\u2190-\u2bff\U0001f000-\U0001fbff"
# What ends a word: everything of ASCII but letters and digits, and the punctuation of other scripts.
SEPARATORS = (
    r"\u0001-/:-@\[-`{-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7\u055a-\u055f\u0589\u058a\u05be\u05c0"
    r"\u05c3\u05c6\u05f3\u05f4\u060c\u060d\u061b\u061d-\u061f\u066a-\u066d\u06d4\u0964\u0965\u0e4f\u0e5a\u0e5b"
    r"\u0f04-\u0f14\u0f3a-\u0f3d\u104a-\u104f\u10fb\u1360-\u1368\u1680\u17d4-\u17da\u1800-\u180d\u2000-\u206f"
    r"\u2e00-\u2e7f\u3000-\u3004\u3008-\u303f\u30a0\u30fb\ufe10-\ufe1f\ufe30-\ufe6f\ufff0-\uffff"
)
TOKEN = rf"[{UNSPACED}]+|[{SYMBOLS}]|[^{UNSPACED}{SYMBOLS}{SEPARATORS}]+"

# A text of ASCII needs no more than PostgreSQL's own parser, once its punctuation is gone. Not so the words that it would read
# as numbers (1e5), those with an alias (v2), long ones, which are cut off, and more places than a tsvector holds.
IS_ASCII = "octet_length({0}) = length({0})"
IS_SIMPLE = "{0} !~ 'v[0-9]|[0-9]e[0-9]' AND (length({0}) <= 100 OR length({0}) < 30000 AND {0} !~ '[a-z0-9]{{101}}')"
SIMPLE_VECTOR = "to_tsvector('pg_catalog.simple'::regconfig, regexp_replace({0}, '[^a-z0-9]+', ' ', 'g'))"

ADD_FUNCTIONS = rf"""
-- This and the next are called for each row that is written: PL/pgSQL keeps their plans for the session, and they need no SET,
-- since they call functions of PostgreSQL only.
CREATE FUNCTION taskflow_fold(value text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
BEGIN
    IF {IS_ASCII.format("value")} THEN
        RETURN lower(value COLLATE "C");
    END IF;
    RETURN normalize(
        replace(replace(replace(replace(
            translate(lower(regexp_replace(normalize(value, NFKD), '{REMOVED}', '', 'g')), 'øłđħŧıðς', 'oldhtidσ'),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
        NFKC);
END $$;

-- The vector of a simple text of ASCII; NULL for others, for which taskflow_unicode_search_vector gives the same, slowly.
CREATE FUNCTION taskflow_ascii_search_vector(value text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE folded text;
BEGIN
    IF {IS_ASCII.format("value")} THEN
        folded := lower(value COLLATE "C");
        IF {IS_SIMPLE.format("folded")} THEN
            RETURN {SIMPLE_VECTOR.format("folded")};
        END IF;
    END IF;
    RETURN NULL;
END $$;

-- Each token with its place. A run of an unspaced script gives the pair that begins at each of its characters, and its last
-- character, which is marked as the tail. A version such as v2 is also the number 2; such an alias shares its place.
CREATE FUNCTION taskflow_search_tokens(folded text)
RETURNS TABLE (token text, place bigint, kind text) LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
SET search_path FROM CURRENT AS $$
    WITH found AS (
        SELECT parts[1] AS part, number, parts[1] ~ '^[{UNSPACED}]' AS unspaced
        FROM regexp_matches(folded, '{TOKEN}', 'g') WITH ORDINALITY AS matches (parts, number)
    ), placed AS (
        SELECT part, unspaced, sum(CASE WHEN unspaced THEN length(part) ELSE 1 END) OVER (ORDER BY number)
            - CASE WHEN unspaced THEN length(part) ELSE 1 END AS start
        FROM found
    )
    SELECT left(part, 100), start::bigint, CASE WHEN part ~ '^[{SYMBOLS}]' THEN 'symbol' ELSE 'word' END
    FROM placed WHERE NOT unspaced
    UNION ALL
    SELECT substr(part, 2, 100), start::bigint, 'alias' FROM placed WHERE NOT unspaced AND part ~ '^v[0-9]+$'
    UNION ALL
    SELECT first || coalesce(second, ''), (start + number - 1)::bigint,
        CASE WHEN second IS NOT NULL THEN 'pair' WHEN number > 1 THEN 'tail' ELSE 'single' END
    FROM placed, unnest(string_to_array(part, NULL), (string_to_array(part, NULL))[2:])
        WITH ORDINALITY AS pairs (first, second, number)
    WHERE unspaced
$$;

-- Places are counted modulo the most that a tsvector holds: they serve phrases only, which need neighbours.
CREATE FUNCTION taskflow_unicode_search_vector(value text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path FROM CURRENT AS $$
DECLARE folded text := left(taskflow_fold(value), 60000);
BEGIN
    IF {IS_ASCII.format("folded")} AND {IS_SIMPLE.format("folded")} THEN
        RETURN {SIMPLE_VECTOR.format("folded")};
    END IF;
    RETURN (
        SELECT coalesce(string_agg('''' || token || ''':' || place % 16383 + 1, ' '), '')::tsvector
        FROM taskflow_search_tokens(folded)
    );
END $$;

-- Every word must occur, in any order; the parts of a word in a row. The last part may be the beginning of a longer one; a
-- single letter only in the last word, which may still be being typed. With `transposed`, two neighbouring letters of each word may have changed places.
-- NULL for a search without tokens.
CREATE FUNCTION taskflow_search_query(value text, transposed boolean)
RETURNS tsquery LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
    word text;
    is_last boolean;
    phrase text;
    terms tsquery;
BEGIN
    FOR word, is_last IN
        SELECT part, lead(part) OVER (ORDER BY number) IS NULL
        FROM regexp_split_to_table(taskflow_fold(value), '[\u0001- \u1680\u2028\u2029\u200b]+')
            WITH ORDINALITY AS parts (part, number)
        WHERE part <> ''
    LOOP
        SELECT string_agg(
            CASE WHEN previous IS NULL THEN '' WHEN transposed THEN ' & ' ELSE ' <' || place - previous || '> ' END
            || CASE
                WHEN transposed AND kind = 'word' AND length(token) BETWEEN 3 AND 12 THEN '(' || (
                    SELECT string_agg('''' || variant || '''' || CASE WHEN length(token) > 4 THEN ':*' ELSE '' END, ' | ') FROM (
                        SELECT token AS variant
                        UNION SELECT left(token, n - 1) || substr(token, n + 1, 1) || substr(token, n, 1)
                            || substr(token, n + 2)
                        FROM generate_series(1, length(token) - 1) AS n
                    ) AS variants
                ) || ')'
                ELSE '''' || token || '''' || CASE
                    WHEN kind = 'single' OR (kind = 'word' AND next IS NULL AND (length(token) > 1 OR is_last)) THEN ':*'
                    ELSE ''
                END
            END, '' ORDER BY place)
        INTO phrase FROM (
            SELECT token, kind, place, lag(place) OVER (ORDER BY place) AS previous,
                lead(place) OVER (ORDER BY place) AS next
            FROM taskflow_search_tokens(word) WHERE kind NOT IN ('alias', 'tail')
        ) AS tokens;
        IF phrase <> '' THEN
            terms := coalesce(terms && phrase::tsquery, phrase::tsquery);
        END IF;
    END LOOP;
    RETURN terms;
END $$;
"""  # noqa: S608 -- the constants above
DROP_FUNCTIONS = """
DROP FUNCTION taskflow_search_query(text, boolean);
DROP FUNCTION taskflow_unicode_search_vector(text);
DROP FUNCTION taskflow_search_tokens(text);
DROP FUNCTION taskflow_ascii_search_vector(text);
DROP FUNCTION taskflow_fold(text);
"""


def sort_titles_as_a_dictionary(apps, schema_editor):
    """Give the sort key of titles the root collation of ICU, if this PostgreSQL has it; otherwise "C".

    The key has neither case nor accents, so with "C" too "Éclair" stands between "easy" and "end".
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'")
        collation = "und-x-icu" if cursor.fetchone()[0] else "C"
        cursor.execute(f'ALTER TABLE tasks_task ALTER COLUMN title_key TYPE text COLLATE "{collation}"')


class Migration(migrations.Migration):
    dependencies = [("tasks", "0004_due_order_and_reminders")]
    operations = [
        migrations.RunSQL(ADD_FUNCTIONS, DROP_FUNCTIONS),
        migrations.RemoveIndex("task", "task_search"),
        migrations.RemoveIndex("task", "task_title_trigram"),
        migrations.RemoveField("task", "search"),
        migrations.AddField(
            "task",
            "search",
            models.GeneratedField(
                db_persist=True,
                expression=tasks.models.search.search_vector("title", "description"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddField(
            "task",
            "title_key",
            models.GeneratedField(
                db_persist=True, expression=tasks.models.search.fold("title"), output_field=models.TextField()
            ),
        ),
        migrations.RunPython(sort_titles_as_a_dictionary, migrations.RunPython.noop),
        migrations.AddField(
            "comment",
            "search",
            models.GeneratedField(
                db_persist=True,
                expression=tasks.models.search.search_vector("body"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex("task", django.contrib.postgres.indexes.GinIndex(fields=["search"], name="task_search")),
        migrations.AddIndex(
            "task",
            django.contrib.postgres.indexes.GinIndex(
                fields=["title_key"], opclasses=["gin_trgm_ops"], name="task_title_trigram"
            ),
        ),
        migrations.AddIndex(
            "comment", django.contrib.postgres.indexes.GinIndex(fields=["search"], name="comment_search")
        ),
    ]

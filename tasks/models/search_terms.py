"""Which terms of a search the index is asked for: PostgreSQL's statistics say how many rows have each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

# More rows are not looked up by their ids: of a million tasks they are soon met in any order.
MAX_CANDIDATES = 2_000
# The index collects all rows of a prefix before it compares them with those of other terms.
MAX_COLLECTED_ROWS = 200_000

# As taskflow_search_query splits: the last part of a word may be the beginning of a longer one.
TERMS_SQL = """
WITH parts AS (
    SELECT DISTINCT token, kind = 'single' OR (kind = 'word' AND next IS NULL) AS is_prefix
    FROM unnest(%(words)s::text[]) AS words (word), LATERAL (
        SELECT token, kind, lead(place) OVER (ORDER BY place) AS next
        FROM taskflow_search_tokens(taskflow_fold(word)) WHERE kind NOT IN ('alias', 'tail')
    ) AS tokens
), common AS (
    SELECT element, frequency * greatest(reltuples, 0) AS row_count
    FROM unnest(%(tables)s::regclass[]) AS tables (oid) JOIN pg_class USING (oid)
    JOIN pg_stats ON schemaname = relnamespace::regnamespace::text AND tablename = relname AND attname = 'search',
        unnest(most_common_elems::text::text[], most_common_elem_freqs) AS elements (element, frequency)
    WHERE element IS NOT NULL
)
SELECT token, is_prefix, CASE
    -- The statistics list no numbers and rare words, but many begin with one letter or digit.
    WHEN is_prefix AND octet_length(token) = 1 THEN 'infinity'
    ELSE coalesce((
        SELECT sum(row_count) FROM common
        WHERE CASE WHEN is_prefix THEN starts_with(element, token) ELSE element = token END
    ), 0)
END FROM parts
"""
# The CTEs are planned as if all their rows were read: for a few rows PostgreSQL would scan the table.
CANDIDATES_SQL = """
WITH in_tasks AS MATERIALIZED (
    SELECT id, search @@ taskflow_search_query(%(text)s, false) AS is_match FROM {tasks} WHERE search @@ %(terms)s::tsquery
), in_comments AS MATERIALIZED (
    SELECT task_id, search @@ taskflow_search_query(%(text)s, false) FROM {comments} WHERE search @@ %(terms)s::tsquery
)
(SELECT * FROM in_tasks LIMIT %(limit)s) UNION ALL (SELECT * FROM in_comments LIMIT %(limit)s)
"""


@dataclass(frozen=True, slots=True)
class SearchTerm:
    """A token of a search, and about how many rows have it; 0 for one that is not common."""

    token: str
    is_prefix: bool
    row_count: float

    def __str__(self) -> str:
        quoted = self.token.replace("\\", "\\\\").replace("'", "''")
        return f"'{quoted}'{':*' if self.is_prefix else ''}"


def candidate_ids(tasks: Any, comments: Any, text: str) -> list[Any] | None:
    """Return the ids of all tasks with the words of a text.

    The words are in the task's own text or in one comment.
    None for a search of common words: no more than MAX_CANDIDATES rows are read, whatever the search.
    """
    tables = {name: rows.model._meta.db_table for name, rows in (("tasks", tasks), ("comments", comments))}
    with connection.cursor() as cursor:
        cursor.execute(TERMS_SQL, {"words": text.split(), "tables": list(tables.values())})
        terms = [SearchTerm(*row) for row in cursor.fetchall()]
        if not terms:
            return []
        selective = select_terms(terms)
        if not selective:
            return None
        values: dict[str, str | int] = {
            "text": text,
            "terms": " & ".join(map(str, selective)),
            "limit": MAX_CANDIDATES + 1,
        }
        cursor.execute(CANDIDATES_SQL.format(**tables), values)
        rows = cursor.fetchall()
    return None if len(rows) > MAX_CANDIDATES else list({pk for pk, is_match in rows if is_match})


def select_terms(terms: Sequence[SearchTerm]) -> list[SearchTerm]:
    """Return the terms to look up in the index.

    They are the rare ones, or several common ones, which may be rare together.
    Empty for a search that has most likely many results.
    """
    if rare := [term for term in terms if term.row_count <= MAX_CANDIDATES]:
        return rare
    selected: list[SearchTerm] = []
    total = 0.0
    for term in sorted(terms, key=lambda term: term.row_count):
        total += term.row_count
        if total > MAX_COLLECTED_ROWS:
            break
        selected.append(term)
    return selected if len(selected) > 1 else []

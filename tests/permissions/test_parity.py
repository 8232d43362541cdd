"""Parity of pages and API: an action of one is possible in the other. The inventories are those of the two permission matrices."""

from __future__ import annotations

from tests.permissions.api_scenarios import OPERATIONS
from tests.permissions.page_matrix import PAGES
from tests.permissions.parity import ACTIONS, API_ONLY, PAGE_ONLY

# Of the inventory of tests.permissions.test_page_permission_matrix, which is complete.
FORMS = {path for method, _, path in (name.partition(" ") for name in PAGES) if method == "POST"}
WRITES = {name for name in OPERATIONS if not name.startswith("GET ")}


def test_page_action_has_its_operations():
    operations = {operation for named in ACTIONS.values() for operation in named}

    assert FORMS - ACTIONS.keys() - PAGE_ONLY.keys() == set()
    assert WRITES - operations - API_ONLY.keys() == set()


def test_parity_lists_only_what_exists():
    operations = {operation for named in ACTIONS.values() for operation in named}

    assert (ACTIONS.keys() | PAGE_ONLY.keys()) - FORMS == set()
    assert (operations | API_ONLY.keys()) - WRITES == set()
    assert ACTIONS.keys() & PAGE_ONLY.keys() == operations & API_ONLY.keys() == set()
    assert all(10 <= len(reason) <= 100 for reason in (PAGE_ONLY | API_ONLY).values())

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tasks.imports.plan import ImportPlan
from tasks.imports.todoist import parse

FILES = Path(__file__).parent / "data" / "todoist"
HEADER = "TYPE,CONTENT,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\r\n"
TODAY = date(2026, 11, 22)


@pytest.fixture
def plan_of() -> Callable[[str], ImportPlan]:
    """Read one of the real files, or rows written below the usual header."""

    def read(text: str) -> ImportPlan:
        data = (FILES / text).read_bytes() if text.endswith(".csv") else (HEADER + text).encode()
        return parse(data, today=TODAY)

    return read

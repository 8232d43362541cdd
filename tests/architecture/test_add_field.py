"""Follow the checklist "Add a field" of CONTRIBUTING.md in a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from tests.architecture.figures import ROOT

MAX_FILES = 11
NOT_COPIED = shutil.ignore_patterns(
    ".*", "var", "node_modules", "docs", "static", "benchmarks", "deploy", "__pycache__", "*.pyc"
)
# What a developer writes in each file: the new text stands after the line that contains the anchor.
EDITS = [
    ("tasks/models/task.py", '"due_at", "estimate"', None),
    (
        "tasks/models/task.py",
        "    parent = models.ForeignKey(",
        "    story_points = models.PositiveSmallIntegerField(null=True, blank=True)\n",
    ),
    ("tasks/items/task_columns.py", '"due_at", "estimate"', None),
    ("tasks/items/task_columns.py", "    estimate: int | None", "    story_points: int | None\n"),
    (
        "tasks/items/task_columns.py",
        '            "estimate": self.',
        '            "story_points": self.story_points,\n',
    ),
    (
        "tasks/items/serializers.py",
        "    parent = StrictUUIDField(",
        "    story_points = StrictIntegerField(required=False, allow_null=True, min_value=0, max_value=100)\n",
    ),
    ("tasks/items/drafts.py", "    estimate: int | None", "    story_points: int | None = None\n"),
    (
        "tasks/items/forms.py",
        "    estimate = forms.IntegerField(",
        "    story_points = forms.IntegerField(required=False, min_value=0, max_value=100)\n",
    ),
    (
        "templates/tasks/_task_form.html",
        "field=form.estimate",
        '      {% include "components/field.html" with field=form.story_points %}\n',
    ),
    (
        "templates/tasks/_details.html",
        '{% translate "Estimate" %}</dt>',
        '      <dt>{% translate "Points" %}</dt><dd>{{ task.story_points }}</dd>\n',
    ),
]
TEST_FILE = "tasks/items/tests/test_story_points.py"
ROUND_TRIP_TEST = """
import pytest

from core.testing.page_client import logged_in_client
from events.models import Event
from tasks.items import services as items
from tasks.models import Task
from tasks.privacy import export_tasks

URL = "/api/v1/tasks/"


@pytest.mark.django_db
def test_story_points_round_trip(project, clients, alice):
    created = clients["alice"].post(URL, {"title": "New", "project": "OPS", "story_points": 3})
    assert (created.status_code, created.json()["story_points"]) == (201, 3)
    url = f"{URL}{created.json()['id']}/"

    patched = clients["alice"].patch(url, {"story_points": 5})
    read = clients["alice"].get(url)
    assert patched.json()["story_points"] == 5
    assert (read.content, read["ETag"]) == (patched.content, patched["ETag"])
    assert clients["alice"].get(URL).json()["results"][0]["story_points"] == 5
    assert clients["alice"].patch(url, {"story_points": -1}).status_code == 400

    event = Event.objects.filter(name="task.updated").latest("pk")
    assert event.payload["changes"] == {"story_points": [3, 5]}
    assert event.payload["task"]["story_points"] == 5
    stale = clients["alice"].patch(url, {"story_points": 8}, headers={"If-Match": '"1"'})
    assert stale.json()["differences"] == [{"field": "story_points", "current": 5, "requested": 8}]
    assert next(iter(export_tasks(alice.pk)))["story_points"] == 5

    page = logged_in_client(alice).get(f"/tasks/{created.json()['key']}/").content.decode()
    assert "<dt>Points</dt><dd>5</dd>" in page
    assert 'name="story_points" value="5"' in page
    assert "changed the story points" in page
"""


def test_field_is_added_by_the_checklist(tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
    for path, anchor, addition in EDITS:
        _edit(tree / path, anchor, addition)
    (tree / TEST_FILE).write_text(ROUND_TRIP_TEST)

    # On the existing database: makemigrations would wait for a connection to one that does not exist yet.
    _run(tree, "manage.py", "makemigrations", "tasks", "--name", "task_story_points")
    url = urlsplit(os.environ["DATABASE_URL"])
    # Not by `urlunsplit`, which leaves out the slashes before an empty host.
    own_database = f"{url.scheme}://{url.netloc}/added_field?{url.query}"
    _run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", TEST_FILE, DATABASE_URL=own_database)


def test_add_field_checklist_names_every_file():
    section = re.search(r"^## Add a field.*?(?=^## )", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
    assert section is not None
    named = set(re.findall(r"^\d+\. `([\w./]+)`", section[0], re.MULTILINE))

    assert len(named) <= MAX_FILES
    assert {path for path, _, _ in EDITS} <= named
    assert {path for path in named if not (ROOT / path).exists()} == set()


def _edit(path: Path, anchor: str, addition: str | None) -> None:
    """Write the addition beside the first line with the anchor; None adds the name to a tuple of field names."""
    lines = path.read_text().splitlines(keepends=True)
    index = next((number for number, line in enumerate(lines) if anchor in line), None)
    assert index is not None, f"{path.name} has no line with {anchor!r}: bring the checklist up to date"
    if addition is None:
        lines[index] = lines[index].replace('"estimate"', '"estimate", "story_points"', 1)
    elif lines[index].rstrip().endswith("("):
        lines.insert(index, addition)
    else:
        lines.insert(index + 1, addition)
    path.write_text("".join(lines))


def _run(tree: Path, *arguments: str, **environment: str) -> None:
    """Run Python in the copy; `environment` replaces variables."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]

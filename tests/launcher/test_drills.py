"""`make drills`: one table of all drills, and the exit code."""

from __future__ import annotations

import json

import pytest

from launcher import drills
from launcher.console import LaunchError
from launcher.paths import Paths
from tests.launcher.conftest import ROOT

CHECKS = {"limit": [("210 admitted", "210", True)], "stale": [("0 stale reads", "0", True), ("3 reads", ">= 9", False)]}


@pytest.fixture
def paths(checkout, monkeypatch):
    monkeypatch.setattr(drills.bootstrap, "ensure_installed", lambda *_: None)
    return Paths(root=ROOT, var=checkout / "var")


@pytest.fixture
def started(monkeypatch):
    """Replace the run of a drill by the writing of its report; returns the names of those that were started."""
    names = []

    def run_drill(_paths, arguments, *, report):
        names.append(name := arguments[0])
        if name not in CHECKS:
            return 2 if name == "headers" else 1
        report.write_text(json.dumps(CHECKS[name]))
        return 0 if all(holds for _, _, holds in CHECKS[name]) else 1

    monkeypatch.setattr(drills, "run_drill", run_drill)
    return names


def test_drills_print_one_table_and_fail_together(paths, started, capsys):
    assert drills.run_drills(paths, ["limit"]) == 0
    capsys.readouterr()
    assert drills.run_drills(paths, ["limit", "stale", "headers", "node"]) == 1

    table = [line.split("  ") for line in capsys.readouterr().out.partition("\n\n")[2].splitlines()]
    assert [[cell.strip() for cell in row if cell] for row in table] == [
        ["drill", "figure", "bound", "held"],
        ["limit", "210 admitted", "210", "yes"],
        ["stale", "0 stale reads", "0", "yes"],
        ["stale", "3 reads", ">= 9", "NO"],
        ["headers", "cannot run on this machine", "NO"],
        ["node", "ended with an error", "NO"],
    ]


def test_drills_run_all_by_default_and_no_unknown_one(paths, started):
    drills.run_drills(paths, [])
    assert {"limit", "stale", "mail", "overload"} <= set(started)
    started.clear()
    with pytest.raises(LaunchError, match="no drill 'limits'"):
        drills.run_drills(paths, ["stale", "limits"])
    assert started == []

"""What wrk sends where a URL alone does not say it."""

from __future__ import annotations

import json
from collections.abc import Sequence

COLD = """
wrk.headers["Cache-Control"] = "no-store"
"""
CREATE = """
local projects, number = %s, 0
request = function()
  number = number + 1
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = wrk.headers["Authorization"]}
  %s
  local project = projects[number %% #projects + 1]
  return wrk.format("POST", nil, headers, '{"title": "Measured ' .. number .. '", "project": "' .. project .. '"}')
end
"""
# wrk runs a script twice, once to warm up: the clock tells the two runs apart.
KEY = """headers["Idempotency-Key"] = '"' .. started .. "-" .. number .. '"'"""
STARTED = """
local started = io.popen("date +%s%N"):read("*l")
"""
PATCH = """
local ids, number = %s, 0
request = function()
  number = number + 1
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = wrk.headers["Authorization"]}
  return wrk.format("PATCH", "/api/v1/tasks/" .. ids[number %% #ids + 1] .. "/", headers, '{"estimate": ' .. number .. '}')
end
"""


def create(projects: Sequence[str] = ("LOAD",), *, with_key: bool = False) -> str:
    return STARTED + CREATE % (_table(projects), KEY if with_key else "")


def patch(ids: Sequence[str]) -> str:
    return PATCH % _table(ids)


def _table(words: Sequence[str]) -> str:
    return "{" + ", ".join(json.dumps(one) for one in words) + "}"

"""Lua scripts for wrk, for requests with a body or with headers."""

from __future__ import annotations

import json
from collections.abc import Sequence

COLD_SCRIPT = """
wrk.headers["Cache-Control"] = "no-store"
"""
CREATE_SCRIPT = """
local projects, number = %s, 0
request = function()
  number = number + 1
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = wrk.headers["Authorization"]}
  %s
  local project = projects[number %% #projects + 1]
  return wrk.format("POST", nil, headers, '{"title": "Measured ' .. number .. '", "project": "' .. project .. '"}')
end
"""
# A script runs twice, once to warm up, so the keys of the two runs are made different by the time.
KEY_SCRIPT = """headers["Idempotency-Key"] = '"' .. started .. "-" .. number .. '"'"""
SETUP_SCRIPT = """
local started = io.popen("date +%s%N"):read("*l")
"""
PATCH_SCRIPT = """
local ids, number = %s, 0
request = function()
  number = number + 1
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = wrk.headers["Authorization"]}
  return wrk.format("PATCH", "/api/v1/tasks/" .. ids[number %% #ids + 1] .. "/", headers, '{"estimate": ' .. number .. '}')
end
"""


def create_script(projects: Sequence[str] = ("LOAD",), *, with_key: bool = False) -> str:
    return SETUP_SCRIPT + CREATE_SCRIPT % (_lua_table(projects), KEY_SCRIPT if with_key else "")


def patch_script(ids: Sequence[str]) -> str:
    return PATCH_SCRIPT % _lua_table(ids)


def _lua_table(values: Sequence[str]) -> str:
    return "{" + ", ".join(json.dumps(value) for value in values) + "}"

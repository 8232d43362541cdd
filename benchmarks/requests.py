"""What wrk sends where a URL alone does not say it."""

from __future__ import annotations

import json
from collections.abc import Sequence

COLD = """
wrk.headers["Cache-Control"] = "no-store"
"""
CREATE = """
local number = 0
request = function()
  number = number + 1
  local headers = {["Content-Type"] = "application/json", ["Authorization"] = wrk.headers["Authorization"]}
  %s
  return wrk.format("POST", nil, headers, '{"title": "Measured ' .. number .. '", "project": "LOAD"}')
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


def create(*, with_key: bool = False) -> str:
    return STARTED + CREATE % KEY if with_key else CREATE % ""


def patch(ids: Sequence[str]) -> str:
    return PATCH % ("{" + ", ".join(json.dumps(one) for one in ids) + "}")

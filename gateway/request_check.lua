-- The check of each request of one event-loop turn: rate limit, session status, generation; all at one moment of the server's clock.
-- ARGV[1]: JSON {window, block, tiers = {name = {quota, burst}}}; then five arguments a request:
--   key of the session status or "", scope of the generation or "", caller's name for the rate limit, tier or "",
--   generation of the response that the caller has or "" (while it is current, the request costs nothing)
-- Returns five values a request: session status, generation ("" while the cache lease is over), allowed (1/0/-1 unknown),
--   remaining requests, wait (ms)
local rules = cjson.decode(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local has_lease = redis.call('EXISTS', 'taskflow:cache_lease') == 1
local results = {}

local function generation(scope)
  local key = 'taskflow:generation:' .. scope
  local current = redis.call('GET', key)
  if not current then
    current = redis.sha1hex(key .. clock[1] .. clock[2] .. redis.call('INCR', 'taskflow:generation_counter'))
    redis.call('SET', key, current, 'EX', 604800)
  end
  return current
end

-- GCRA (ITU-T I.371): `tat`, the theoretical arrival time, is when the bucket will be full again. A caller beyond the
-- limit is blocked for a while.
local function consume(caller, tier, is_free)
  local rule = rules.tiers[tier]
  local interval = rules.window / rule[1]
  local depth = interval * (rule[1] + rule[2])
  local blocked = redis.call('PTTL', 'taskflow:rate_limit_block:' .. caller)
  local tat = math.max(tonumber(redis.call('GET', 'taskflow:rate_limit:' .. caller) or 0), now)
  if is_free then
    return 1, math.max(0, math.floor((depth - (tat - now)) / interval)), 0
  end
  if blocked > 0 then
    return 0, 0, blocked
  end
  if tat + interval - now > depth + 0.001 then
    local wait = math.ceil(math.max(rules.block, tat + interval - now - depth))
    redis.call('SET', 'taskflow:rate_limit_block:' .. caller, 1, 'PX', wait)
    return 0, 0, wait
  end
  tat = tat + interval
  redis.call('SET', 'taskflow:rate_limit:' .. caller, string.format('%.3f', tat), 'PX', math.ceil(tat - now))
  return 1, math.floor((depth - (tat - now)) / interval + 0.001), 0
end

local global_generation = has_lease and generation('global') or ''
for i = 2, #ARGV, 5 do
  local session, scope, caller, tier, cached = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local status, current, allowed, remaining, wait = '', '', -1, 0, 0
  if session ~= '' then
    status = redis.call('GET', session) or ''
    tier = string.match(status, '^%a+:(.+)$') or tier -- of an active or a restricted session
    if not has_lease then status = '' end -- good enough for the rate limit, not to trust the session
  end
  if has_lease and scope ~= '' then current = global_generation .. '.' .. generation(scope) end
  if tier ~= '' then
    allowed, remaining, wait = consume(caller, tier, cached ~= '' and cached == current)
  end
  for _, value in ipairs({status, current, allowed, remaining, wait}) do results[#results + 1] = value end
end
return results

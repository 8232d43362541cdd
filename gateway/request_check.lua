-- For each request of one event-loop turn: limit, liveness, generation. All of it at one moment of the server's clock.
-- ARGV[1]: JSON {window, block, tiers = {name = {quota, burst}}}; then five arguments a request:
--   session key or "", scope of the generation or "", caller's name for the limit, tier or "", generation that makes it free or ""
-- Answers five values a request: liveness, generation ("" while the gate is closed), admitted (1/0/-1 unknown), left, wait (ms)
local rules = cjson.decode(ARGV[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000 + clock[2] / 1000
local gate = redis.call('EXISTS', 'taskflow:cache_lease') == 1
local answers = {}

local function generation(scope)
  local key = 'taskflow:generation:' .. scope
  local found = redis.call('GET', key)
  if not found then
    found = redis.sha1hex(key .. clock[1] .. clock[2] .. redis.call('INCR', 'taskflow:generation_counter'))
    redis.call('SET', key, found, 'EX', 604800)
  end
  return found
end

-- GCRA (ITU-T I.371): `tat` is when the bucket will be full again; a caller beyond it is blocked for a while.
local function spend(caller, tier, free)
  local rule = rules.tiers[tier]
  local interval = rules.window / rule[1]
  local depth = interval * (rule[1] + rule[2])
  local blocked = redis.call('PTTL', 'taskflow:rate_limit_block:' .. caller)
  local tat = math.max(tonumber(redis.call('GET', 'taskflow:rate_limit:' .. caller) or 0), now)
  if free then
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

local everybody = gate and generation('everybody') or ''
for i = 2, #ARGV, 5 do
  local session, scope, caller, tier, known = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local liveness, current, admitted, left, wait = '', '', -1, 0, 0
  if session ~= '' then
    liveness = redis.call('GET', session) or ''
    tier = string.match(liveness, '^%a+:(.+)$') or tier -- of one that is alive or held
    if not gate then liveness = '' end -- good enough to limit by, not to let anybody in by
  end
  if gate and scope ~= '' then current = everybody .. '.' .. generation(scope) end
  if tier ~= '' then
    admitted, left, wait = spend(caller, tier, known ~= '' and known == current)
  end
  for _, value in ipairs({liveness, current, admitted, left, wait}) do answers[#answers + 1] = value end
end
return answers

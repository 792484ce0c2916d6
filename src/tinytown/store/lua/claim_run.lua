-- Starts a run: the first message that asks for one is claimed, with whatever the agent is to know besides.
-- When nothing in its inbox does, an idle agent that has no task takes the oldest one of the backlog that fits it.
-- A: agent, host, token, run, generic (roles that take what no specialist does; nil: nothing is taken from the backlog),
--    reviewer (the role that takes only what is for it), at, ms
-- Returns {messages, task fields or {}}; {ms} when something may be claimed later; nil when there is
-- nothing to do. LEASE: the host lost its lease.

-- For so long a task is left to somebody better suited who is free, and an agent that became free to the missions.
local PATIENCE_MS = 1000

-- The agents that are not leaving, by id.
local function present_agents()
  local found = {}
  for _, id in ipairs(redis.call('HVALS', key('agents'))) do
    local packed, state = unpack(redis.call('HMGET', key('agent', id), 'spec', 'state'))
    if packed and state ~= 'stopped' and state ~= 'error' and state ~= 'draining' then
      local spec = cjson.decode(packed)
      local is_free = state == 'idle' and redis.call('SCARD', key('agent', id, 'tasks')) == 0
        and redis.call('ZCARD', key('inbox', id)) == 0
      found[id] = {name = spec.name:lower(), role = spec.role:lower(), is_free = is_free}
    end
  end
  return found
end

-- Whether the agent may take tasks with these wishes (lines), and whether somebody better suited is free: the rule of
-- planner/fit.py for work of no kind. Whom the work is wished for comes first, generic roles next, then everybody; only
-- the first two as long as somebody is there whom it is wished for. A reviewer takes only what is wished for it.
local function judge(lines, agents)
  local wishes = {}
  for wish in lines:gmatch('[^\n]+') do wishes[wish] = true end
  local function tier(agent)
    if wishes[agent.role] or wishes[agent.name] then return 0 end
    if agent.role == A.reviewer then return 3 end
    for _, role in ipairs(A.generic) do
      if agent.role == role then return 1 end
    end
    return 2
  end
  local mine, has_wished, is_better_free = tier(agents[A.agent]), false, false
  for _, other in pairs(agents) do
    has_wished = has_wished or tier(other) == 0
    is_better_free = is_better_free or (other.is_free and tier(other) < mine)
  end
  return {fits = mine < (has_wished and 2 or 3), is_left = is_better_free}
end

-- The oldest task of the backlog that the agent may take now; else nil, and when to look again, if it may later.
local function oldest_fitting()
  local agents, oldest, since, again = present_agents(), nil, math.huge, nil
  for digest, lines in pairs(hash(key('backlog', 'wishes'))) do
    local judged = judge(lines, agents)
    if judged.fits then
      local id, queued = unpack(redis.call('ZRANGE', key('backlog', 'for', digest), 0, 0, 'WITHSCORES'))
      queued = tonumber(queued)
      local age = A.ms - queued
      if judged.is_left and age > -1 and age < PATIENCE_MS then
        again = math.min(again or math.huge, math.ceil(queued) + PATIENCE_MS)
      elseif queued < since then
        oldest, since = id, queued
      end
    end
  end
  return oldest, again
end

-- Takes a task from the backlog: the message that brings it now, or nil, and when to look again, if it is worth it.
local function take_from_backlog(free_ms)
  if not A.generic or redis.call('ZCARD', key('backlog')) == 0 then return nil end
  if redis.call('SCARD', key('agent', A.agent, 'tasks')) > 0 then return nil end
  local free = A.ms - tonumber(free_ms or 0)
  if free >= 0 and free < PATIENCE_MS and redis.call('SCARD', key('mission', 'active')) > 0 then
    return nil, A.ms - free + PATIENCE_MS
  end
  local id, again = oldest_fitting()
  if not id then return nil, again end
  hand_out(id, A.agent, A.at, A.ms, true)
  return {id, redis.call('HGET', key('inbox', A.agent, 'messages'), id), id}
end

if not check_host(A.host, A.token) then return refuse('LEASE', 'the host lost its lease') end
local name = key('agent', A.agent)
local state, host, run, task_now = unpack(redis.call('HMGET', name, 'state', 'host_id', 'run_id', 'task_id'))
local inbox = key('inbox', A.agent)
local claimed, later = inbox .. ':claimed', inbox .. ':later'
if run == A.run then
  -- The same call again: its answer was lost.
  local texts = {}
  for _, id in ipairs(redis.call('ZRANGE', inbox, 0, -1)) do
    if redis.call('HGET', claimed, id) == run then
      local text = redis.call('HGET', inbox .. ':messages', id)
      local kind = cjson.decode(text).kind
      table.insert(texts, (kind == 'task' or kind == 'query') and 1 or #texts + 1, text)
    end
  end
  return {texts, task_now and redis.call('HGETALL', key('task', task_now)) or {}}
end
local closing = state == 'draining' and not run and redis.call('HGET', name, 'closing')
if (state ~= 'idle' and not closing) or host ~= A.host then return nil end
local starter, soonest, extra = nil, nil, {}
for _, id in ipairs(redis.call('ZRANGE', inbox, 0, -1)) do
  local text = redis.call('HGET', inbox .. ':messages', id)
  local message = cjson.decode(text)
  local not_before = tonumber(redis.call('HGET', later, id) or '0')
  if not redis.call('HGET', claimed, id) then
    if message.kind ~= 'task' and message.kind ~= 'query' then
      if #extra < 200 then extra[#extra + 1] = {id, text} end
    elseif not closing or is_before(redis.call('ZSCORE', inbox, id), closing) then
      if not_before > A.ms then
        soonest = math.min(soonest or not_before, not_before)
      elseif not starter then
        starter = {id, text, message.task_id}
      end
    end
  end
end
if not starter and not soonest and state == 'idle' then
  starter, soonest = take_from_backlog(redis.call('HGET', name, 'free_ms'))
end
if not starter then
  if soonest then return {string.format('%d', soonest)} end
  if closing then stop_agent(A.agent, 'closed', A.at, A.ms) end
  return nil
end
local task, fields = starter[3], {}
redis.call('HSET', name, 'state', closing and state or 'working', 'since', A.at, 'run_id', A.run, 'run_ms', string.format('%d', A.ms),
  'last_output_at', A.at)
redis.call('HDEL', name, 'reason')
if task then
  redis.call('HSET', name, 'task_id', task)
  redis.call('HSET', key('task', task), 'state', 'running', 'run_id', A.run, 'started_at', A.at, 'updated_at', A.at)
  redis.call('HINCRBY', key('task', task), 'runs', 1)
  redis.call('HDEL', key('task', task), 'report', 'result')
  fields = redis.call('HGETALL', key('task', task))
  local mission = redis.call('HGET', key('task', task), 'mission_id')
  if mission then wake(mission, A.ms) end
end
local texts = {starter[2]}
redis.call('HSET', claimed, starter[1], A.run)
for _, one in ipairs(extra) do
  redis.call('HSET', claimed, one[1], A.run)
  texts[#texts + 1] = one[2]
end
emit('run.started', A.at, {agent = A.agent, task = task or nil})
return {texts, fields}

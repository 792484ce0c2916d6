-- Reads how much of everything there is, at one moment: no task, message or mission is read but the oldest of an inbox.
-- The quotas are those of the token that the town last asked its forge with; they are not the town's own keys.
-- A: nothing. Returns {agents, conductor's inbox, backlog, missions by state, active missions, startable items by mission,
-- first due (mission, ms) or {}, hosts (whether each has its lease), dispatchers (JSON), counters (flat), quotas
-- ({resource, limit, remaining, reset ms}), queued checks, running checks}; an agent is {name, cli, role, state, open
-- tasks, whether one of them is in a run, inbox}, an inbox {length, when its oldest messages were sent}.
local function inbox(owner)
  local name, sent = key('inbox', owner), {}
  local first = {redis.call('ZRANGE', name, 0, 0)[1], redis.call('ZRANGEBYSCORE', name, '1e13', '+inf', 'LIMIT', 0, 1)[1]}
  for _, id in pairs(first) do
    local text = redis.call('HGET', name .. ':messages', id)
    if text then sent[#sent + 1] = cjson.decode(text).sent_at end
  end
  return {redis.call('ZCARD', name), sent}
end

local agents = {}
for _, id in ipairs(redis.call('HVALS', key('agents'))) do
  local text, state, task = unpack(redis.call('HMGET', key('agent', id), 'spec', 'state', 'task_id'))
  if text and state then
    local spec, tasks = cjson.decode(text), key('agent', id, 'tasks')
    local is_running = task and redis.call('SISMEMBER', tasks, task) or 0
    agents[#agents + 1] = {spec.name, spec.cli, spec.role, state, redis.call('SCARD', tasks), is_running, inbox(id)}
  end
end
local missions = {}
for _, state in ipairs({'planning', 'running', 'blocked', 'completed', 'failed'}) do
  missions[#missions + 1] = state
  missions[#missions + 1] = redis.call('SCARD', key('mission', 'state', state))
end
local hosts = {}
for _, host in ipairs(redis.call('SMEMBERS', key('hosts'))) do
  hosts[#hosts + 1] = redis.call('EXISTS', key('host', host, 'lease'))
end
local counters, quotas, seen = redis.call('HGETALL', key('counters')), {}, {}
local token = redis.call('GET', key('forge', 'token'))
for i = 1, #counters, 2 do
  local resource = counters[i]:match('^forge|([^|]*)|')
  if token and resource and not seen[resource] then
    seen[resource] = true
    local name = table.concat({'tt', 'github', token, 'quota', resource}, ':')
    local limit, remaining, reset = unpack(redis.call('HMGET', name, 'limit', 'remaining', 'reset'))
    if limit and remaining and reset then quotas[#quotas + 1] = {resource, limit, remaining, reset} end
  end
end
return {
  agents,
  inbox('conductor'),
  redis.call('ZCARD', key('backlog')),
  missions,
  redis.call('SCARD', key('mission', 'active')),
  redis.call('HVALS', key('mission', 'startable')),
  redis.call('ZRANGE', key('mission', 'due'), 0, 0, 'WITHSCORES'),
  hosts,
  redis.call('HVALS', key('dispatchers')),
  counters,
  quotas,
  redis.call('ZCARD', key('checks', 'queued')),
  redis.call('HLEN', key('checks', 'running')),
}

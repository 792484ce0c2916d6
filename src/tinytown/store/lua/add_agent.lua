-- Registers an agent. One of that name that stopped or broke is taken on again under its id, with the new spec; its inbox
-- and tasks are where they were. EXISTS when the name is taken otherwise.
-- A: id, name (lower case), machine, spec (JSON), at, ms. Returns the agent's id.
local id, spec = A.id, A.spec
if redis.call('HSETNX', key('agents'), A.name, A.id) == 0 then
  id = redis.call('HGET', key('agents'), A.name)
  local state, run, host = unpack(redis.call('HMGET', key('agent', id), 'state', 'run_id', 'host_id'))
  if state ~= 'stopped' and state ~= 'error' then
    return refuse('EXISTS', "there is an agent '" .. A.name .. "' already; choose another name")
  end
  if run then
    return refuse('EXISTS', "the agent '" .. A.name .. "' is still ending its last run; try again in a moment")
  end
  if host then redis.call('SREM', key('host', host, 'agents'), id) end
  redis.call('HDEL', key('agent', id), 'host_id', 'task_id', 'reason', 'paused_until', 'rounds_completed')
  local given = cjson.decode(spec)
  given.id = id
  spec = cjson.encode(given)
end
redis.call('HSET', key('agent', id), 'spec', spec, 'machine', A.machine, 'state', 'starting', 'since', A.at)
emit('agent.spawned', A.at, {agent = id, text = A.name})
wake_all(A.ms)
return id

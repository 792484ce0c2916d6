-- Registers an agent. One of that name that stopped or broke is taken on again under its id, with the new spec; its inbox
-- and tasks are where they were. EXISTS when the name is taken otherwise. FORBIDDEN when agents spawned enough.
-- A: id, name (lower case), machine, spec (JSON), spawner (name of the agent that calls, in lower case, or nil), most
--    (living agents that a family may have spawned), at, ms. Returns the agent's id.

-- How many agents live that were spawned in the family of this one: by it, by its ancestors, by its descendants.
local function spawned_in_family(of)
  local parents, is_living, is_member, count = {}, {}, {[of] = true}, 0
  for name, id in pairs(hash(key('agents'))) do
    local spec, state = unpack(redis.call('HMGET', key('agent', id), 'spec', 'state'))
    local parent = spec and cjson.decode(spec).parent
    if parent then parents[name] = string.lower(parent) end
    is_living[name] = state and state ~= 'stopped' and state ~= 'error'
  end
  local grows = true
  while grows do
    grows = false
    for child, parent in pairs(parents) do
      if is_member[child] ~= is_member[parent] then
        is_member[child], is_member[parent], grows = true, true, true
      end
    end
  end
  for child in pairs(parents) do
    if is_member[child] and is_living[child] then count = count + 1 end
  end
  return count
end

if A.spawner and spawned_in_family(A.spawner) >= A.most then
  return refuse('FORBIDDEN', A.most .. ' agents that you and your family spawned are there already; give them work, or ask a'
    .. ' person: tt send conductor TEXT --query')
end
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
  redis.call('HDEL', key('agent', id), 'host_id', 'task_id', 'reason', 'paused_until', 'rounds_completed', 'closing',
    'is_interrupted', 'restarts')
  local given = cjson.decode(spec)
  given.id = id
  spec = cjson.encode(given)
end
redis.call('HSET', key('agent', id), 'spec', spec, 'machine', A.machine, 'state', 'starting', 'since', A.at)
emit('agent.spawned', A.at, {agent = id, text = A.name})
wake_all(A.ms)
return id

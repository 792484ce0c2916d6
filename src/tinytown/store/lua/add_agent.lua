-- Registers an agent. EXISTS when the name is taken.
-- A: id, name (lower case), machine, spec (JSON), at, ms
if redis.call('HSETNX', key('agents'), A.name, A.id) == 0 then
  return refuse('EXISTS', "there is an agent '" .. A.name .. "' already; choose another name")
end
redis.call('HSET', key('agent', A.id), 'spec', A.spec, 'machine', A.machine, 'state', 'starting', 'since', A.at)
emit('agent.spawned', A.at, {agent = A.id, text = A.name})
wake_all(A.ms)
return 1

-- Stops an agent: when its run ends, or at once; what it has to do waits.
-- A: id, force, reason, at, ms
-- NOTFOUND: no such agent. CONFLICT: it is stopped already, or stops soon. Returns its state.
local name = key('agent', A.id)
local state, run, closing, restarts = unpack(redis.call('HMGET', name, 'state', 'run_id', 'closing', 'restarts'))
if not state then return refuse('NOTFOUND', 'no agent ' .. A.id) end
if state == 'stopped' and not restarts then return refuse('CONFLICT', name_of(A.id) .. ' is stopped already') end
if restarts or not run or A.force then
  redis.call('HDEL', name, 'restarts')
  return stop_agent(A.id, A.reason, A.at, A.ms)
end
if state == 'draining' and not closing then
  return refuse('CONFLICT', name_of(A.id) .. ' stops when its run ends already; at once: tt kill ' .. name_of(A.id) .. ' --force')
end
redis.call('HDEL', name, 'closing', 'is_interrupted', 'paused_until')
redis.call('HSET', name, 'state', 'draining', 'since', A.at, 'reason', A.reason)
emit('agent.draining', A.at, {agent = A.id, text = A.reason})
wake_all(A.ms)
return 'draining'

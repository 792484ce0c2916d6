-- Pauses an agent until it is resumed; the run under way, if any, is to be stopped by its host.
-- A: id, reason, at, ms
-- NOTFOUND: no such agent. CONFLICT: it is interrupted already, or will not go on anyway. Returns the agent's state.
local name = key('agent', A.id)
local state, run, interrupted, restarts = unpack(redis.call('HMGET', name, 'state', 'run_id', 'is_interrupted', 'restarts'))
if not state then return refuse('NOTFOUND', 'no agent ' .. A.id) end
if restarts then return refuse('CONFLICT', name_of(A.id) .. ' is restarting; try again in a moment') end
if interrupted then
  return refuse('CONFLICT', name_of(A.id) .. ' is interrupted already; to let it go on: tt resume ' .. name_of(A.id))
end
if state == 'stopped' or state == 'error' then
  return refuse('CONFLICT', name_of(A.id) .. ' is ' .. said(state) .. '; there is nothing to interrupt')
end
-- One that is to stop after its run stops at once instead: it would not go on after a pause.
if state == 'draining' and not redis.call('HGET', name, 'closing') then
  return refuse('CONFLICT', name_of(A.id) .. ' stops when its run ends; at once: tt kill ' .. name_of(A.id) .. ' --force')
end
redis.call('HSET', name, 'is_interrupted', 'true', 'reason', A.reason)
redis.call('HDEL', name, 'paused_until')
if state ~= 'cold' and state ~= 'starting' then -- those come back paused
  state = 'paused'
  redis.call('HSET', name, 'state', state, 'since', A.at)
end
emit('agent.' .. state, A.at, {agent = A.id, text = A.reason, run = run or nil})
wake_all(A.ms)
return state

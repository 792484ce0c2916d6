-- Has an agent take nothing new, do what is in its inbox already, and stop then.
-- A: id, reason, at, ms
-- NOTFOUND: no such agent. CONFLICT: it is closing or stopped already. Returns its state.
local name = key('agent', A.id)
local state, run, closing, restarts = unpack(redis.call('HMGET', name, 'state', 'run_id', 'closing', 'restarts'))
if not state then return refuse('NOTFOUND', 'no agent ' .. A.id) end
if restarts then return refuse('CONFLICT', name_of(A.id) .. ' is restarting; try again in a moment') end
if state == 'stopped' or state == 'error' then return refuse('CONFLICT', name_of(A.id) .. ' is ' .. said(state) .. ' already') end
if closing then return refuse('CONFLICT', name_of(A.id) .. ' is closing already; at once: tt kill ' .. name_of(A.id) .. ' --force') end
if state == 'draining' then return refuse('CONFLICT', name_of(A.id) .. ' stops when its run ends already') end
closing = string.format('%d', redis.call('INCR', key('seq')))
if not run and not has_left(A.id, closing) then return stop_agent(A.id, A.reason, A.at, A.ms) end
redis.call('HSET', name, 'closing', closing)
if state == 'idle' or state == 'working' then -- another does what it has once it is there, or resumed
  state = 'draining'
  redis.call('HSET', name, 'state', state, 'since', A.at, 'reason', A.reason)
end
emit('agent.' .. state, A.at, {agent = A.id, text = A.reason})
wake_all(A.ms)
return state

-- Lets a paused agent go on. `until_` is given when its pause is over by itself: then only that very pause ends.
-- A: id, until_ (the pause's end as it was read, or nil), at, ms
-- NOTFOUND: no such agent. CONFLICT: it is not paused (so).
-- Returns its state, and the end that a rate limit's pause would have had ('' when none).
local name = key('agent', A.id)
local state, run, interrupted, closing, paused_until, restarts =
  unpack(redis.call('HMGET', name, 'state', 'run_id', 'is_interrupted', 'closing', 'paused_until', 'restarts'))
if not state then return refuse('NOTFOUND', 'no agent ' .. A.id) end
if restarts then return refuse('CONFLICT', name_of(A.id) .. ' is restarting; it goes on by itself') end
if (state ~= 'paused' and not interrupted) or (A.until_ and A.until_ ~= paused_until) then
  return refuse('CONFLICT', name_of(A.id) .. ' is ' .. said(state) .. ', not paused; there is nothing to resume')
end
redis.call('HDEL', name, 'is_interrupted', 'paused_until', 'reason')
if paused_until and not A.until_ then -- what met the limit is put off until its end
  redis.call('DEL', key('inbox', A.id, 'later'))
  for _, task in ipairs(redis.call('SMEMBERS', key('agent', A.id, 'tasks'))) do redis.call('HDEL', key('task', task), 'retry_at') end
end
if state == 'paused' then
  state = closing and 'draining' or run and 'working' or 'idle'
  redis.call('HSET', name, 'state', state, 'since', A.at, 'free_ms', A.ms)
  if closing and not run and not has_left(A.id, closing) then state = stop_agent(A.id, 'closed', A.at, A.ms) end
end
if state ~= 'stopped' then emit('agent.' .. state, A.at, {agent = A.id, text = 'resumed'}) end
wake_all(A.ms)
return {state, paused_until or ''}

-- Starts an agent anew under its id, with its inbox, its tasks and its spec; its rounds are counted from 0.
-- A: id, force, reason, at, ms
-- NOTFOUND: no such agent. CONFLICT: it lives and `force` is not given, or it is still ending its last run.
-- Returns its state: `starting`, or `paused` (`stopped`, if it is that already) while the run under way is ended first.
local name = key('agent', A.id)
local state, run, restarts = unpack(redis.call('HMGET', name, 'state', 'run_id', 'restarts'))
if not state then return refuse('NOTFOUND', 'no agent ' .. A.id) end
local is_over = state == 'stopped' or state == 'error' or state == 'cold'
if not is_over and not A.force then
  return refuse('CONFLICT', name_of(A.id) .. ' is ' .. state .. '; to stop it first, with its run: tt restart ' .. name_of(A.id)
    .. ' --force')
end
if restarts then return refuse('CONFLICT', name_of(A.id) .. ' is restarting already') end
if run and not A.force then
  return refuse('CONFLICT', name_of(A.id) .. ' is still ending its last run; try again in a moment')
end
if run then
  redis.call('HSET', name, 'restarts', 'true')
  if is_over then return state end
  redis.call('HSET', name, 'state', 'paused', 'since', A.at, 'reason', A.reason)
  redis.call('HDEL', name, 'paused_until')
  emit('agent.paused', A.at, {agent = A.id, text = A.reason, run = run})
  wake_all(A.ms)
  return 'paused'
end
if not is_over then stop_agent(A.id, A.reason, A.at, A.ms, true) end
return start_anew(A.id, A.at, A.ms)

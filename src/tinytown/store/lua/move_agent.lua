-- Changes an agent's state, if it is in one of those that may come before.
-- A: id, state, before (list of states), fields (map, '' removes), at, ms
-- NOTFOUND: no such agent. ILLEGAL: it is in another state.
local name = key('agent', A.id)
local state = redis.call('HGET', name, 'state')
if not state then return refuse('NOTFOUND', 'no agent ' .. A.id) end
local allowed = false
for _, from in ipairs(A.before) do allowed = allowed or from == state end
if not allowed then return refuse('ILLEGAL', 'the agent is ' .. state .. ' and cannot become ' .. A.state) end
put(name, A.fields)
redis.call('HSET', name, 'state', A.state, 'since', A.at, 'free_ms', A.ms)
emit('agent.' .. A.state, A.at, {agent = A.id, text = A.fields.reason})
if A.state == 'stopped' or A.state == 'error' then
  redis.call('HDEL', name, 'closing', 'is_interrupted')
  return_taken(A.id, A.at, A.ms)
end
wake_all(A.ms)
return state

-- Takes an agent that is gone out of the roster; its name is free again. One with unfinished work is kept, unless that
-- is to go elsewhere: see hand_over.
-- A: id, states (it may be in), hands_over, at, ms
-- NOTFOUND: no such agent. ILLEGAL: it is in another state, or still in a run.
-- Returns {whether it is gone, tasks, messages, tasks that went back to their missions, messages under way}.
local name = key('agent', A.id)
local state, run, host, restarts = unpack(redis.call('HMGET', name, 'state', 'run_id', 'host_id', 'restarts'))
if not state then return refuse('NOTFOUND', 'no agent ' .. A.id) end
local may = false
for _, one in ipairs(A.states) do may = may or one == state end
if not may or run or restarts then
  return refuse('ILLEGAL', name_of(A.id) .. (run and ' is still ending its last run' or ' is ' .. said(state)))
end
local found = hand_over(A.id, A.hands_over and 'backlog' or nil, 'was pruned', A.at, A.ms)
if not A.hands_over and found[1] + found[2] + found[3] > 0 then return {0, unpack(found)} end
local called = name_of(A.id)
if redis.call('HGET', key('agents'), called:lower()) == A.id then redis.call('HDEL', key('agents'), called:lower()) end
if host then redis.call('SREM', key('host', host, 'agents'), A.id) end
redis.call('DEL', name, name .. ':tasks')
for _, part in ipairs({'', ':messages', ':claimed', ':later', ':tries'}) do redis.call('DEL', key('inbox', A.id) .. part) end
emit('agent.pruned', A.at, {agent = A.id, text = called})
wake_all(A.ms)
return {1, unpack(found)}

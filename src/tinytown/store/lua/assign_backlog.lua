-- Hands the whole backlog to an agent, the oldest first.
-- A: agent, at, ms
-- NOTFOUND: no such agent. ILLEGAL: it is leaving. Returns the ids of the tasks.
local state = redis.call('HGET', key('agent', A.agent), 'state')
if not state then return refuse('NOTFOUND', 'no agent ' .. A.agent) end
if state == 'stopped' or state == 'error' or state == 'draining' then
  return refuse('ILLEGAL', 'the agent is ' .. state .. ' and takes no tasks')
end
local ids = redis.call('ZRANGE', key('backlog'), 0, -1)
for _, id in ipairs(ids) do hand_out(id, A.agent, A.at, A.ms) end
return ids

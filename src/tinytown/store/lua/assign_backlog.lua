-- Hands tasks of the backlog to an agent, the oldest first.
-- A: agent, limit (so many at most), at, ms
-- NOTFOUND: no such agent. ILLEGAL: it is leaving. Returns the ids of the tasks.
local why = refuses_work(A.agent)
if why == 'gone' then return refuse('NOTFOUND', 'no agent ' .. A.agent) end
if why then return refuse('ILLEGAL', takes_nothing(A.agent, why)) end
local ids = redis.call('ZRANGE', key('backlog'), 0, A.limit - 1)
for _, id in ipairs(ids) do hand_out(id, A.agent, A.at, A.ms) end
return ids

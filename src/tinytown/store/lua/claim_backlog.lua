-- Hands a task of the backlog to an agent; however many ask at once, one gets it.
-- A: id, agent, is_own (whether the agent itself asks, see hand_out), at, ms
-- NOTFOUND: no such agent or task. ILLEGAL: the agent is leaving. CONFLICT: it is not in the backlog (any more).
local why = refuses_work(A.agent)
if why == 'gone' then return refuse('NOTFOUND', 'no agent ' .. A.agent) end
if why then return refuse('ILLEGAL', takes_nothing(A.agent, why)) end
if not redis.call('ZSCORE', key('backlog'), A.id) then return not_in_backlog(A.id) end
hand_out(A.id, A.agent, A.at, A.ms, A.is_own)
return 1

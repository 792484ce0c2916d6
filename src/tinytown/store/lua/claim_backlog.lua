-- Hands a task of the backlog to an agent; however many ask at once, one gets it.
-- A: id, agent, at, ms
-- NOTFOUND: no such agent or task. ILLEGAL: the agent is leaving. CONFLICT: it is not in the backlog (any more).
local agent_state = redis.call('HGET', key('agent', A.agent), 'state')
if not agent_state then return refuse('NOTFOUND', 'no agent ' .. A.agent) end
if agent_state == 'stopped' or agent_state == 'error' or agent_state == 'draining' then
  return refuse('ILLEGAL', 'the agent is ' .. agent_state .. ' and takes no tasks')
end
if not redis.call('ZSCORE', key('backlog'), A.id) then return not_in_backlog(A.id) end
hand_out(A.id, A.agent, A.at, A.ms)
return 1

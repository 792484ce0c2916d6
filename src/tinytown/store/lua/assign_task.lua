-- Makes a task outside any mission and hands it to an agent. NOTFOUND: no such agent. ILLEGAL: it is stopped.
-- A: id, spec, agent, message, urgent, at, ms
local state = redis.call('HGET', key('agent', A.agent), 'state')
if not state then return refuse('NOTFOUND', 'no agent ' .. A.agent) end
if state == 'stopped' or state == 'error' or state == 'draining' then
  return refuse('ILLEGAL', 'the agent is ' .. state .. ' and takes no tasks')
end
give_task({id = A.id, spec = A.spec, agent = A.agent, message = A.message, urgent = A.urgent}, A.at, A.ms)
return 1

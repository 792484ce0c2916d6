-- Makes a task outside any mission and hands it to an agent. NOTFOUND: no such agent. ILLEGAL: it is stopped.
-- A: id, spec, agent, message, urgent, at, ms
if redis.call('EXISTS', key('agent', A.agent)) == 0 then return refuse('NOTFOUND', 'no agent ' .. A.agent) end
local why = refuses_work(A.agent)
if why then return refuse('ILLEGAL', takes_nothing(A.agent, why)) end
give_task({id = A.id, spec = A.spec, agent = A.agent, message = A.message, urgent = A.urgent}, A.at, A.ms)
return 1

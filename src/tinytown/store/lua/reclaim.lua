-- Takes what an agent has not begun away from it: see hand_over. What it is at stays.
-- A: agent, to (agent id, 'backlog', or nil to count only), may_live (whether it may be there), at, ms
-- NOTFOUND: no such agent. ILLEGAL: it is there again. CONFLICT: the other takes no work.
-- Returns {tasks, messages, tasks that went back to their missions, messages under way}.
local state = redis.call('HGET', key('agent', A.agent), 'state')
if not state then return refuse('NOTFOUND', 'no agent ' .. A.agent) end
if not A.may_live and state ~= 'stopped' and state ~= 'error' and state ~= 'cold' then
  return refuse('ILLEGAL', name_of(A.agent) .. ' is there again (' .. state .. '); what it has is its own')
end
if A.to and A.to ~= 'backlog' then
  local why = refuses_work(A.to)
  if why then return refuse('CONFLICT', takes_nothing(A.to, why)) end
end
return hand_over(A.agent, A.to, 'is ' .. said(state), A.at, A.ms)

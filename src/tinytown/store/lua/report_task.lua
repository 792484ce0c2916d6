-- Records what an agent (or a person) says of a task. While a run has the task, the run's end makes it final.
-- A: id, report, state (final state), result, reason, agent (that says it, or nil for a person), run (of the caller, or
--    nil), at, ms
-- NOTFOUND, FORBIDDEN (another agent has it), ILLEGAL (it has ended), CONFLICT (another run has it).
-- Returns 'recorded' or the final state.
local task = key('task', A.id)
local state, run, agent = unpack(redis.call('HMGET', task, 'state', 'run_id', 'agent_id'))
if not state then return refuse('NOTFOUND', 'no task ' .. A.id) end
if A.agent and agent ~= A.agent then
  return refuse('FORBIDDEN', 'the task is not yours; an agent reports on its own task only')
end
if state == 'completed' or state == 'failed' or state == 'cancelled' then
  return refuse('ILLEGAL', 'the task is ' .. state .. ' already; nothing was changed')
end
if A.run and run ~= A.run then
  return refuse('CONFLICT', 'the task was handed to another run; stop working on it')
end
local fields = {report = A.report, result = A.result, reason = A.reason}
if state ~= 'running' then
  end_task(A.id, A.state, A.at, A.ms, fields, not A.agent)
  return A.state
end
put(task, fields)
redis.call('HSET', task, 'updated_at', A.at)
emit('task.reported', A.at, {task = A.id, agent = agent, text = A.report})
return 'recorded'

-- Ends a run: its outcome is stored and its messages are acknowledged, or given back, in one step.
-- A: agent, host, token, run, outcome (completed | failed | retry | dropped), task_fields (map), later_ms,
--    agent_state (idle | stopped | error | paused), agent_fields (map), hook_failures (texts), push_failure (text, may be
--    empty), tokens, cost, buckets (of runs' seconds), max_tries, keeps_extras, is_round (whether it counts among the agent's rounds), seen_report (what the outcome was judged with,
--    '' for no report; nil when it does not matter), at, ms
-- STALE: the task was reported on, or taken back, after it was judged; nothing was written.
-- LEASE: the host lost its lease, or the agent is in another run. Returns the agent's new state,
-- `starting` when it is to be restarted.
if not check_host(A.host, A.token) then return refuse('LEASE', 'the host lost its lease') end
local name = key('agent', A.agent)
local run, state, task, last = unpack(redis.call('HMGET', name, 'run_id', 'state', 'task_id', 'last_run'))
if last == A.run then return state end -- the same call again: its answer was lost
if run ~= A.run then return refuse('LEASE', 'the agent is in another run') end
local inbox = key('inbox', A.agent)
if task and A.seen_report then
  local said, by = unpack(redis.call('HMGET', key('task', task), 'report', 'run_id'))
  if by == A.run and (said or '') ~= A.seen_report then return refuse('STALE', 'a report came meanwhile; judge again') end
end
if task then
  local task_state, task_run = unpack(redis.call('HMGET', key('task', task), 'state', 'run_id'))
  if task_state == 'running' and task_run == A.run then
    redis.call('HDEL', key('task', task), 'lost')
    redis.call('HINCRBY', key('task', task), 'tokens', A.tokens)
    redis.call('HINCRBYFLOAT', key('task', task), 'cost_usd', A.cost)
    if A.outcome == 'completed' or A.outcome == 'failed' then
      end_task(task, A.outcome, A.at, A.ms, A.task_fields)
    else
      put(key('task', task), A.task_fields)
      redis.call('HSET', key('task', task), 'state', 'assigned', 'updated_at', A.at)
      redis.call('HDEL', key('task', task), 'run_id', 'report')
      redis.call('HDEL', inbox .. ':claimed', task)
      redis.call('HSET', inbox .. ':later', task, A.later_ms)
      emit('task.handed_back', A.at, {agent = A.agent, task = task, text = A.task_fields.reason})
      local mission = redis.call('HGET', key('task', task), 'mission_id')
      if mission then wake(mission, A.ms) end
    end
  end
end
local claims = redis.call('HGETALL', inbox .. ':claimed')
for i = 1, #claims, 2 do
  local id = claims[i]
  if claims[i + 1] == A.run then
    local tries = redis.call('HINCRBY', inbox .. ':tries', id, A.is_round and 1 or 0)
    local kind = cjson.decode(redis.call('HGET', inbox .. ':messages', id)).kind
    if A.keeps_extras and kind ~= 'task' and kind ~= 'query' then
      redis.call('HDEL', inbox .. ':claimed', id) -- nobody read it
      redis.call('HDEL', inbox .. ':tries', id)
    elseif A.outcome == 'retry' and tries < A.max_tries then
      redis.call('HDEL', inbox .. ':claimed', id)
      redis.call('HSET', inbox .. ':later', id, A.later_ms)
    else
      if A.outcome == 'retry' then emit('message.dropped', A.at, {agent = A.agent, text = 'tried ' .. tries .. ' times'}) end
      drop_message(A.agent, id)
    end
  end
end
-- What was decided about the agent during its run stands, with the reason given then.
local is_paused = state == 'paused' and (A.agent_state == 'idle' or A.agent_state == 'paused')
local decided = {draining = 'stopped', stopped = 'stopped', error = 'error', paused = is_paused and 'paused'}
local closing, restarts = unpack(redis.call('HMGET', name, 'closing', 'restarts'))
if state == 'draining' and closing then
  decided.draining = has_left(A.agent, closing) and (A.agent_state == 'idle' and 'draining' or A.agent_state)
    or (A.agent_state == 'error' and 'error' or 'stopped')
end
local new_state = decided[state] or A.agent_state
redis.call('HDEL', name, 'run_id', 'task_id', 'paused_until')
if new_state == A.agent_state and not is_paused then
  redis.call('HDEL', name, 'reason')
  put(name, A.agent_fields)
end
redis.call('HSET', name, 'state', new_state, 'since', A.at, 'last_run', A.run, 'free_ms', A.ms)
if A.is_round then redis.call('HINCRBY', name, 'rounds_completed', 1) end
redis.call('HINCRBY', name, 'tokens', A.tokens)
redis.call('HINCRBYFLOAT', name, 'cost_usd', A.cost)
local cli, begun = cli_of(A.agent), redis.call('HGET', name, 'run_ms')
count(1, 'runs', cli, A.outcome)
count(A.tokens, 'tokens', cli)
count(tonumber(A.cost), 'cost_usd', cli)
if begun then observe(math.max(A.ms - tonumber(begun), 0) / 1000, A.buckets, 'run_secs', cli, A.outcome) end
for _, failure in ipairs(A.hook_failures) do
  emit('hook.failed', A.at, {agent = A.agent, task = task or nil, text = failure})
end
if A.push_failure ~= '' then
  emit('push.failed', A.at, {agent = A.agent, task = task or nil, text = A.push_failure})
end
emit('run.finished', A.at, {agent = A.agent, task = task or nil, text = A.outcome})
if new_state ~= state then
  emit('agent.' .. new_state, A.at, {agent = A.agent, text = redis.call('HGET', name, 'reason') or nil})
end
if restarts then
  new_state = start_anew(A.agent, A.at, A.ms)
elseif new_state == 'stopped' or new_state == 'error' then
  redis.call('HDEL', name, 'closing', 'is_interrupted')
  return_taken(A.agent, A.at, A.ms)
end
wake_all(A.ms)
return new_state

-- Starts a run: the first message that asks for one is claimed, with whatever the agent is to know besides.
-- A: agent, host, token, run, at, ms
-- Returns {messages, task fields or {}}; {ms} when the first claimable message is claimable later; nil when there is
-- nothing to do. LEASE: the host lost its lease.
if not check_host(A.host, A.token) then return refuse('LEASE', 'the host lost its lease') end
local name = key('agent', A.agent)
local state, host, run, task_now = unpack(redis.call('HMGET', name, 'state', 'host_id', 'run_id', 'task_id'))
local inbox = key('inbox', A.agent)
local claimed, later = inbox .. ':claimed', inbox .. ':later'
if run == A.run then
  -- The same call again: its answer was lost.
  local texts = {}
  for _, id in ipairs(redis.call('ZRANGE', inbox, 0, -1)) do
    if redis.call('HGET', claimed, id) == run then
      local text = redis.call('HGET', inbox .. ':messages', id)
      local kind = cjson.decode(text).kind
      table.insert(texts, (kind == 'task' or kind == 'query') and 1 or #texts + 1, text)
    end
  end
  return {texts, task_now and redis.call('HGETALL', key('task', task_now)) or {}}
end
if state ~= 'idle' or host ~= A.host then return nil end
local starter, soonest, extra = nil, nil, {}
for _, id in ipairs(redis.call('ZRANGE', inbox, 0, -1)) do
  local text = redis.call('HGET', inbox .. ':messages', id)
  local message = cjson.decode(text)
  local not_before = tonumber(redis.call('HGET', later, id) or '0')
  if not redis.call('HGET', claimed, id) then
    if message.kind ~= 'task' and message.kind ~= 'query' then
      if #extra < 200 then extra[#extra + 1] = {id, text} end
    elseif not_before > A.ms then
      soonest = math.min(soonest or not_before, not_before)
    elseif not starter then
      starter = {id, text, message.task_id}
    end
  end
end
if not starter then
  if soonest then return {string.format('%d', soonest)} end
  return nil
end
local task, fields = starter[3], {}
redis.call('HSET', name, 'state', 'working', 'since', A.at, 'run_id', A.run, 'run_ms', string.format('%d', A.ms),
  'last_output_at', A.at)
redis.call('HDEL', name, 'reason')
if task then
  redis.call('HSET', name, 'task_id', task)
  redis.call('HSET', key('task', task), 'state', 'running', 'run_id', A.run, 'started_at', A.at, 'updated_at', A.at)
  redis.call('HINCRBY', key('task', task), 'runs', 1)
  redis.call('HDEL', key('task', task), 'report', 'result')
  fields = redis.call('HGETALL', key('task', task))
  local mission = redis.call('HGET', key('task', task), 'mission_id')
  if mission then wake(mission, A.ms) end
end
local texts = {starter[2]}
redis.call('HSET', claimed, starter[1], A.run)
for _, one in ipairs(extra) do
  redis.call('HSET', claimed, one[1], A.run)
  texts[#texts + 1] = one[2]
end
emit('run.started', A.at, {agent = A.agent, task = task or nil})
return {texts, fields}

-- Put before every script. KEYS[1] is the town's prefix (`tt:<town>`); all other keys are built from it, so that a
-- town is one slot on a cluster. ARGV[1] is a MessagePack map with the script's arguments.
local T = KEYS[1]
local A = cmsgpack.unpack(ARGV[1])

local function key(...)
  return T .. ':' .. table.concat({...}, ':')
end

-- Adds an entry to the town's event stream. `fields` is a map of strings; nil values are left out.
local function emit(type, at, fields)
  local entry = {'type', type, 'at', at}
  for name, value in pairs(fields) do
    entry[#entry + 1] = name
    entry[#entry + 1] = value
  end
  return redis.call('XADD', key('events'), 'MAXLEN', '~', 10000, '*', unpack(entry))
end

-- Whether dispatchers look at a mission: it is active, or completed with something that is still to be merged.
local function is_followed(mission)
  return redis.call('SISMEMBER', key('mission', 'active'), mission) == 1
    or redis.call('ZSCORE', key('mission', 'due'), mission) ~= false
end

-- What to tell when another active mission has one of these objectives ({reference, for people}); nil when none has.
local function other_with(objectives, mission)
  for _, one in ipairs(objectives) do
    local other = redis.call('HGET', key('mission', 'objectives'), one[1])
    if other and other ~= mission and redis.call('SISMEMBER', key('mission', 'active'), other) == 1 then
      local short = other:sub(1, 8)
      return one[2] .. ' is in mission ' .. short .. ' already; see: tt mission status --run ' .. short
    end
  end
end

-- Makes a mission due no later than `ms`. `wakes` tells a commit that something happened since its snapshot, so that
-- it does not put the mission off.
local function wake(mission, ms)
  if is_followed(mission) then
    redis.call('HINCRBY', key('mission', mission), 'wakes', 1)
    redis.call('ZADD', key('mission', 'due'), 'LT', ms, mission)
  end
end

-- Makes every active mission due: an agent became free, or there is a new one.
local function wake_all(ms)
  for _, mission in ipairs(redis.call('SMEMBERS', key('mission', 'active'))) do
    wake(mission, ms)
  end
end

-- Sets when a mission is due (never when `due_ms` is nil), unless it was woken since `wakes` was read.
local function defer(mission, wakes, due_ms)
  if redis.call('HGET', key('mission', mission), 'wakes') ~= wakes then return end
  if due_ms then
    redis.call('ZADD', key('mission', 'due'), due_ms, mission)
  else
    redis.call('ZREM', key('mission', 'due'), mission)
  end
end

local function refuse(code, text)
  return redis.error_reply(code .. ' ' .. text)
end

local function hash(name)
  local flat, map = redis.call('HGETALL', name), {}
  for i = 1, #flat, 2 do map[flat[i]] = flat[i + 1] end
  return map
end

-- Sets the fields of `map` in a hash; an empty string removes the field.
local function put(name, map)
  for field, value in pairs(map) do
    if value == '' then redis.call('HDEL', name, field) else redis.call('HSET', name, field, value) end
  end
end

-- Puts a message (JSON) into an inbox: urgent ones first, each in order of arrival.
local function deliver(to, id, message, urgent)
  local rank = redis.call('INCR', key('seq')) + (urgent and 0 or 1e13)
  redis.call('ZADD', key('inbox', to), rank, id)
  redis.call('HSET', key('inbox', to, 'messages'), id, message)
end

-- Tells its receiver of a message that is on its way; a small one is in the event itself, so that whoever follows the
-- events need not ask for it.
local function tell_of_message(to, sender, message, at, mission)
  emit('message.sent', at, {agent = to, text = sender, mission = mission, message = #message <= 4096 and message or nil})
end

-- Adds to one of the town's running totals, which never go down; its name is the words, joined by '|'.
local function count(by, ...)
  if by ~= 0 then redis.call('HINCRBYFLOAT', key('counters'), table.concat({...}, '|'), by) end
end

-- Adds to a histogram among the totals: to the first of `bounds` (rising) that `value` fits, or to 'inf', and to 'sum'.
local function observe(value, bounds, ...)
  local fits = 'inf'
  for _, bound in ipairs(bounds) do
    if value <= bound then
      fits = tostring(bound)
      break
    end
  end
  local words = {...}
  words[#words + 1] = fits
  count(1, unpack(words))
  words[#words] = 'sum'
  count(value, unpack(words))
end

-- Counts the steps that a dispatcher made since it last told of them. `steps` is how many it made so far, `took` are
-- the last ones as {secs, outcome}: of a call that is repeated, what was counted already is left out.
local function count_steps(id, steps, took, bounds)
  local old = redis.call('HGET', key('dispatchers'), id)
  local new = math.min(steps - (old and cjson.decode(old).steps or 0), #took)
  for i = #took - new + 1, #took do
    observe(took[i][1], bounds, 'steps')
    count(1, 'decisions', took[i][2])
  end
end

local function cli_of(agent)
  local spec = redis.call('HGET', key('agent', agent), 'spec')
  return spec and cjson.decode(spec).cli or 'unknown'
end

-- Keeps a mission in the index of its state alone, and how many of its items could be begun now; without a state it
-- leaves all of them.
local function index_mission(id, state, startable)
  for _, one in ipairs({'planning', 'running', 'blocked', 'completed', 'failed'}) do
    redis.call(one == state and 'SADD' or 'SREM', key('mission', 'state', one), id)
  end
  if startable and startable > 0 then
    redis.call('HSET', key('mission', 'startable'), id, startable)
  else
    redis.call('HDEL', key('mission', 'startable'), id)
  end
end

local function drop_message(to, id)
  redis.call('ZREM', key('inbox', to), id)
  for _, part in ipairs({'messages', 'claimed', 'later', 'tries'}) do
    redis.call('HDEL', key('inbox', to, part), id)
  end
end

local TASK_KEPT_SECS = 2592000

-- Keeps a task in the index of all tasks, as the newest; those that were forgotten meanwhile leave it.
local function index_task(id, ms)
  redis.call('ZADD', key('tasks'), ms, id)
  redis.call('ZADD', key('tasks', 'ids'), 0, id)
  local before = string.format('%d', ms - TASK_KEPT_SECS * 1000)
  for _, old in ipairs(redis.call('ZRANGEBYSCORE', key('tasks'), '-inf', before, 'LIMIT', 0, 100)) do
    if redis.call('EXISTS', key('task', old)) == 0 then
      redis.call('ZREM', key('tasks'), old)
      redis.call('ZREM', key('tasks', 'ids'), old)
    end
  end
end

-- Tells who gave a task outside any mission what came of it; a long result is looked up.
local function tell_sender(id, agent, state, at)
  local spec, result, reason = unpack(redis.call('HMGET', key('task', id), 'spec', 'result', 'reason'))
  local task = cjson.decode(spec)
  if task.mission_id or not task.parent then return end
  local to = task.parent == 'supervisor' and 'conductor' or redis.call('HGET', key('agents'), task.parent:lower())
  if not to or to == agent then return end
  local said = state == 'failed' and reason or result
  said = said and said ~= '' and #said <= 2000 and ': ' .. said or ''
  local text = 'Task ' .. id:sub(1, 8) .. ' (' .. task.title .. ') is ' .. state .. said .. '\nSee: tt task show ' .. id:sub(1, 8)
  local spec_of_agent = agent and redis.call('HGET', key('agent', agent), 'spec')
  local sender = spec_of_agent and cjson.decode(spec_of_agent).name or 'dispatcher'
  local message = cjson.encode({id = id, to = to, sender = sender, kind = 'info', text = text, sent_at = at})
  deliver(to, id, message, false)
  tell_of_message(to, sender, message, at)
end

-- Makes a task and hands it to an agent; its message has the task's own id.
-- given: {id, spec, agent, message, urgent, mission}
local function give_task(given, at, ms)
  index_task(given.id, ms)
  redis.call('HSET', key('task', given.id), 'spec', given.spec, 'state', 'assigned', 'agent_id', given.agent,
    'updated_at', at)
  redis.call('SADD', key('agent', given.agent, 'tasks'), given.id)
  if given.mission then
    redis.call('HSET', key('task', given.id), 'mission_id', given.mission)
    redis.call('SADD', key('mission', given.mission, 'tasks'), given.id)
  end
  deliver(given.agent, given.id, given.message, given.urgent)
  count(1, 'tasks', 'assigned')
  emit('task.assigned', at, {agent = given.agent, task = given.id, mission = given.mission})
end

-- Takes a task out of the backlog and its index by wishes, if it is there.
local function leave_backlog(id)
  if redis.call('ZREM', key('backlog'), id) == 0 then return end
  local wishes = redis.sha1hex(redis.call('HGET', key('task', id), 'wishes') or '')
  redis.call('ZREM', key('backlog', 'for', wishes), id)
  if redis.call('EXISTS', key('backlog', 'for', wishes)) == 0 then redis.call('HDEL', key('backlog', 'wishes'), wishes) end
end

local function name_of(agent)
  return cjson.decode(redis.call('HGET', key('agent', agent), 'spec')).name
end

-- An agent's state, to follow "is".
local function said(state)
  return state == 'error' and 'in error' or state
end

-- Ends a task: out of its agent's inbox and index; its mission, if any, is due to take it into account, and who gave it
-- is told unless a person says so (`is_known`).
local function end_task(id, state, at, ms, fields, is_known)
  local task = key('task', id)
  local agent = redis.call('HGET', task, 'agent_id')
  local mission = redis.call('HGET', task, 'mission_id')
  put(task, fields)
  redis.call('HSET', task, 'state', state, 'updated_at', at, 'finished_at', at)
  redis.call('HDEL', task, 'run_id')
  redis.call('EXPIRE', task, TASK_KEPT_SECS)
  index_task(id, ms)
  leave_backlog(id)
  if agent then
    redis.call('SREM', key('agent', agent, 'tasks'), id)
    drop_message(agent, id)
    if state == 'completed' then redis.call('HINCRBY', key('agent', agent), 'tasks_completed', 1) end
    put(task, {agent_name = name_of(agent)}) -- it may be pruned before the task is forgotten
  end
  count(1, 'tasks', state)
  emit('task.' .. state, at, {agent = agent or nil, task = id, mission = mission or nil})
  if state ~= 'cancelled' and not is_known then tell_sender(id, agent, state, at) end
  if mission then wake(mission, ms) end
end

-- When a task comes into the backlog, in ms, with a fraction that keeps those of one ms in order.
local function next_in_backlog(ms)
  local last = tonumber(redis.call('ZREVRANGEBYSCORE', key('backlog'), '(' .. ms + 1, ms, 'WITHSCORES', 'LIMIT', 0, 1)[2])
  return string.format('%.3f', last and last + 0.001 or ms)
end

-- Puts a task into the backlog: a new one, or one that is taken from its agent. One that comes back is as old as it was.
local function put_in_backlog(id, at, ms, reason)
  local task = key('task', id)
  local agent, queued, spec = unpack(redis.call('HMGET', task, 'agent_id', 'queued_ms', 'spec'))
  if agent then
    local message = redis.call('HGET', key('inbox', agent, 'messages'), id)
    if message then redis.call('HSET', task, 'hops', cjson.decode(message).hops or 0) end
    redis.call('SREM', key('agent', agent, 'tasks'), id)
    drop_message(agent, id)
  end
  local wishes = {}
  for _, tag in ipairs(cjson.decode(spec).tags or {}) do wishes[#wishes + 1] = (tag:lower():gsub('^role:', '')) end
  queued = queued or next_in_backlog(ms)
  redis.call('HDEL', task, 'agent_id', 'run_id', 'report', 'result', 'retry_at', 'is_taken')
  local lines = table.concat(wishes, '\n')
  redis.call('HSET', task, 'wishes', lines)
  put(task, {state = 'pending', updated_at = at, queued_ms = queued, reason = reason})
  redis.call('ZADD', key('backlog'), queued, id)
  redis.call('ZADD', key('backlog', 'for', redis.sha1hex(lines)), queued, id)
  redis.call('HSET', key('backlog', 'wishes'), redis.sha1hex(lines), lines)
  emit('backlog.added', at, {task = id, agent = agent or nil, text = reason})
end

-- Hands a task of the backlog to an agent. `is_taken` says that the agent took it by itself: should it stop, the task
-- goes back, as nobody wanted this very agent.
local function hand_out(id, agent, at, ms, is_taken)
  local task = key('task', id)
  local packed, hops = unpack(redis.call('HMGET', task, 'spec', 'hops'))
  local spec = cjson.decode(packed)
  leave_backlog(id)
  index_task(id, ms)
  redis.call('HSET', task, 'state', 'assigned', 'agent_id', agent, 'updated_at', at)
  if is_taken then redis.call('HSET', task, 'is_taken', 1) end
  redis.call('SADD', key('agent', agent, 'tasks'), id)
  local message = {id = id, to = agent, sender = spec.parent or 'supervisor', kind = 'task', text = spec.title,
    sent_at = at, task_id = id, hops = tonumber(hops or 0)}
  deliver(agent, id, cjson.encode(message), false)
  count(1, 'tasks', 'assigned')
  emit('task.assigned', at, {agent = agent, task = id})
end

-- Refuses what is only done to tasks of the backlog, and says who has this one.
local function not_in_backlog(id)
  local state, agent = unpack(redis.call('HMGET', key('task', id), 'state', 'agent_id'))
  if not state then return refuse('NOTFOUND', "no task '" .. id .. "'") end
  local spec = agent and redis.call('HGET', key('agent', agent), 'spec')
  local owner = spec and ', ' .. cjson.decode(spec).name .. ' has it' or ''
  if state == 'completed' or state == 'failed' or state == 'cancelled' then owner = '' end
  return refuse('CONFLICT', 'task ' .. id:sub(1, 8) .. ' is not in the backlog: it is ' .. state .. owner)
end

-- What an agent that stopped took from the backlog by itself goes back, for others; all else waits for it.
local function return_taken(agent, at, ms)
  for _, id in ipairs(redis.call('SMEMBERS', key('agent', agent, 'tasks'))) do
    local taken, state = unpack(redis.call('HMGET', key('task', id), 'is_taken', 'state'))
    if taken and state == 'assigned' then put_in_backlog(id, at, ms, 'the agent that had taken it stopped') end
  end
end

-- Why an agent takes no new work: its state; nil when it does.
local function refuses_work(agent)
  local state, closing = unpack(redis.call('HMGET', key('agent', agent), 'state', 'closing'))
  if not state then return 'gone' end
  if state == 'stopped' or state == 'error' or state == 'draining' then return state end
  return closing and 'closing' or nil
end

-- What somebody is told whose work an agent refuses.
local function takes_nothing(agent, why)
  local may_return = why == 'stopped' or why == 'error'
  return name_of(agent) .. ' is ' .. said(why) .. ' and takes no tasks; '
    .. (may_return and 'bring it back: tt restart ' .. name_of(agent) or 'choose another agent, or the backlog')
end

-- Whether a message with that rank in its inbox came before an agent was closed: `closing` is the last number then.
local function is_before(rank, closing)
  rank = tonumber(rank)
  return (rank > 1e13 and rank - 1e13 or rank) <= tonumber(closing)
end

-- Whether an agent that closes has something left to do: what starts a run and came before it was closed.
local function has_left(agent, closing)
  local inbox = redis.call('ZRANGE', key('inbox', agent), 0, -1, 'WITHSCORES')
  for i = 1, #inbox, 2 do
    local kind = cjson.decode(redis.call('HGET', key('inbox', agent, 'messages'), inbox[i])).kind
    if (kind == 'task' or kind == 'query') and is_before(inbox[i + 1], closing) then return true end
  end
  return false
end

-- Stops an agent for good. `is_for_a_moment` leaves what it took from the backlog where it is.
local function stop_agent(agent, reason, at, ms, is_for_a_moment)
  local name = key('agent', agent)
  redis.call('HSET', name, 'state', 'stopped', 'since', at, 'reason', reason)
  redis.call('HDEL', name, 'closing', 'is_interrupted', 'paused_until')
  emit('agent.stopped', at, {agent = agent, text = reason})
  if not is_for_a_moment then return_taken(agent, at, ms) end
  wake_all(ms)
  return 'stopped'
end

-- Has an agent that no run is under way of begin its life anew, for the next host of its machine.
local function start_anew(agent, at, ms)
  local name = key('agent', agent)
  local host = redis.call('HGET', name, 'host_id')
  if host then redis.call('SREM', key('host', host, 'agents'), agent) end
  redis.call('HDEL', name, 'host_id', 'task_id', 'reason', 'paused_until', 'rounds_completed', 'closing', 'is_interrupted',
    'restarts')
  redis.call('HINCRBY', name, 'starts', 1)
  redis.call('HSET', name, 'state', 'starting', 'since', at)
  emit('agent.starting', at, {agent = agent, text = 'restarted'})
  wake_all(ms)
  return 'starting'
end

-- Gives a task, with the message that brings it, to another agent, for which it is new.
local function pass_task(id, message, from, to, why, at, ms)
  redis.call('HDEL', key('task', id), 'retry_at', 'nudges', 'nudges_left', 'limited', 'hook_failures', 'is_taken')
  redis.call('HSET', key('task', id), 'agent_id', to, 'reason', why, 'updated_at', at)
  redis.call('SREM', key('agent', from, 'tasks'), id)
  redis.call('SADD', key('agent', to, 'tasks'), id)
  index_task(id, ms)
  drop_message(from, id)
  message.to = to
  deliver(to, id, cjson.encode(message), message.is_urgent)
  emit('task.handed_back', at, {agent = from, task = id, text = why})
  emit('task.assigned', at, {agent = to, task = id})
end

-- Sends a message that was for an agent to somebody else, who is told so.
local function pass_message(id, message, from, to, why, at)
  drop_message(from, id)
  message.to = to
  message.text = '[This was sent to ' .. name_of(from) .. ', which ' .. why .. '.]\n\n' .. message.text
  local text = cjson.encode(message)
  deliver(to, id, text, message.is_urgent)
  tell_of_message(to, message.sender, text, at, message.mission_id)
end

-- Takes everything that an agent has not begun away from it. Tasks of missions are cancelled, so that these give the
-- work out anew; others go to an agent or to the backlog; messages go to that agent, or to the conductor.
-- to: agent id, 'backlog', or nil to count only. why: such as 'is stopped'.
-- Returns {tasks, messages, tasks of missions, messages of a run that is under way}.
local function hand_over(agent, to, why, at, ms)
  local found, reason = {0, 0, 0, 0}, name_of(agent) .. ', which had it, ' .. why
  local inbox, is_brought = key('inbox', agent), {}
  local function take_task(id, message)
    local is_missions = redis.call('HEXISTS', key('task', id), 'mission_id') == 1
    found[is_missions and 3 or 1] = found[is_missions and 3 or 1] + 1
    if not to then return end
    if is_missions then return end_task(id, 'cancelled', at, ms, {reason = reason}) end
    if to == 'backlog' or not message then return put_in_backlog(id, at, ms, reason) end
    pass_task(id, message, agent, to, reason, at, ms)
  end
  for _, id in ipairs(redis.call('ZRANGE', inbox, 0, -1)) do
    local message = cjson.decode(redis.call('HGET', inbox .. ':messages', id))
    if message.task_id then is_brought[message.task_id] = true end
    if redis.call('HEXISTS', inbox .. ':claimed', id) == 1 then
      found[4] = found[4] + 1
    elseif message.task_id then
      take_task(message.task_id, message)
    else
      found[2] = found[2] + 1
      if to then pass_message(id, message, agent, to == 'backlog' and 'conductor' or to, why, at) end
    end
  end
  for _, id in ipairs(redis.call('SMEMBERS', key('agent', agent, 'tasks'))) do
    if not is_brought[id] then take_task(id) end
  end
  if to then wake_all(ms) end
  return found
end

-- Gives the claims of a run back, so that its messages can be claimed again after `later_ms`.
local function unclaim(agent, run, later_ms)
  local claimed = key('inbox', agent, 'claimed')
  local flat = redis.call('HGETALL', claimed)
  for i = 1, #flat, 2 do
    if flat[i + 1] == run then
      redis.call('HDEL', claimed, flat[i])
      if later_ms then redis.call('HSET', key('inbox', agent, 'later'), flat[i], later_ms) end
    end
  end
end

-- Whether a host may write. A lease that ran out is taken up again by whoever held it last, as long as the host was not
-- released: after a suspended machine or an outage nobody else has its agents.
local function check_host(host, token, ttl_ms)
  local lease, name = key('host', host, 'lease'), key('host', host)
  local held = redis.call('GET', lease)
  if held then return held == token end
  if redis.call('SISMEMBER', key('hosts'), host) == 0 or redis.call('HGET', name, 'token') ~= token then return false end
  redis.call('SET', lease, token, 'PX', ttl_ms or redis.call('HGET', name, 'ttl_ms'))
  redis.call('HDEL', name, 'missed_at')
  return true
end

-- Deaths of its host in a row that a task, or what a run was started for, is given.
local LIVES = 3

-- Counts the death of its host for what started a run; what has cost too many is not tried again.
local function count_death(agent, run, task, at, ms)
  local inbox = key('inbox', agent)
  if task and redis.call('HINCRBY', key('task', task), 'lost', 1) >= LIVES then
    end_task(task, 'failed', at, ms, {reason = 'its host died ' .. LIVES .. ' times in a row while it was at it'})
  end
  local claims = redis.call('HGETALL', inbox .. ':claimed')
  for i = 1, #claims, 2 do
    local id = claims[i]
    if claims[i + 1] == run and id ~= task then
      local kind = cjson.decode(redis.call('HGET', inbox .. ':messages', id)).kind
      local is_starter = kind == 'task' or kind == 'query'
      if is_starter and redis.call('HINCRBY', inbox .. ':tries', id, 1) >= LIVES then
        emit('message.dropped', at, {agent = agent, text = 'its host died ' .. LIVES .. ' times'})
        drop_message(agent, id)
      end
    end
  end
end

-- Takes everything away from a host: its agents turn cold, what they were running goes back to their inboxes, checks
-- go back to the queue. `has_died` says that it did not end in order. Returns the ids of runs that were under way.
local function release_host(host, reason, at, ms, has_died)
  local runs = {}
  for _, agent in ipairs(redis.call('SMEMBERS', key('host', host, 'agents'))) do
    local name = key('agent', agent)
    local state, run, task, closing, restarts =
      unpack(redis.call('HMGET', name, 'state', 'run_id', 'task_id', 'closing', 'restarts'))
    if run then
      runs[#runs + 1] = run
      count(1, 'runs', cli_of(agent), 'lost')
      local is_ours = task and redis.call('HGET', key('task', task), 'run_id') == run
      if has_died then count_death(agent, run, is_ours and task, at, ms) end
      unclaim(agent, run)
    end
    if task and redis.call('HGET', key('task', task), 'state') == 'running' then
      redis.call('HSET', key('task', task), 'state', 'assigned', 'reason', reason, 'updated_at', at)
      redis.call('HDEL', key('task', task), 'run_id', 'report', 'result')
      emit('task.handed_back', at, {agent = agent, task = task, text = reason})
    end
    if state and state ~= 'stopped' and state ~= 'error' then
      local now_state = state == 'draining' and not closing and 'stopped' or 'cold'
      redis.call('HSET', name, 'state', now_state, 'since', at, 'reason', reason)
      emit('agent.' .. now_state, at, {agent = agent, text = reason})
    end
    if redis.call('HGET', name, 'state') ~= 'cold' then return_taken(agent, at, ms) end
    redis.call('HDEL', name, 'host_id', 'run_id', 'task_id')
    if restarts then start_anew(agent, at, ms) end
  end
  local running = key('checks', 'running')
  local checks = redis.call('HGETALL', running)
  for i = 1, #checks, 2 do
    if checks[i + 1] == host then
      redis.call('HDEL', running, checks[i])
      redis.call('ZADD', key('checks', 'queued'), ms, checks[i])
    end
  end
  redis.call('SREM', key('hosts'), host)
  redis.call('DEL', key('host', host), key('host', host, 'lease'), key('host', host, 'agents'))
  emit('host.released', at, {text = reason, host = host})
  wake_all(ms)
  return runs
end

-- Tells the mission that watches a pull request that something about it changed.
local function signal(target, ms)
  local mission = redis.call('HGET', key('mission', 'targets'), target)
  if mission then
    local token = string.format('%d', redis.call('INCR', key('seq')))
    redis.call('HSET', key('mission', mission, 'signals'), target, token)
    wake(mission, ms)
  end
end

-- Queues the checks of a commit of a local pull request, unless they are queued, running or done.
local function queue_check(number, head, target, at, ms)
  local entry = number .. ':' .. head
  if redis.call('HEXISTS', key('checks', 'running'), entry) == 1 then return end
  if redis.call('EXISTS', key('check', entry)) == 1 then return end
  if redis.call('ZADD', key('checks', 'queued'), 'NX', ms, entry) == 1 then
    emit('check.queued', at, {target = target, text = head})
  end
end

-- Moves the head of a local pull request; checks of the old one are dropped, queued or done.
local function move_pull(number, head, fork, with_checks, at, ms)
  local name = key('pull', number)
  local old, target = unpack(redis.call('HMGET', name, 'head', 'url'))
  redis.call('HSET', name, 'head', head, 'fork', fork, 'updated_at', at)
  redis.call('ZREM', key('checks', 'queued'), number .. ':' .. old)
  redis.call('DEL', key('check', number, old), key('check', number, old, 'tries'))
  emit('pull.updated', at, {target = target, text = head})
  if with_checks then queue_check(number, head, target, at, ms) end
  signal(target, ms)
end

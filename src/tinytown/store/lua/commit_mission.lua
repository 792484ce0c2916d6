-- Writes one decision about a mission, all of it or nothing.
-- A: id, version (planned from), token and dispatcher (of the lease; nil for a person's command), record, items, briefs,
--    watches (maps id -> JSON), given (list, see give_task, with load), cancelled (list of {id, reason}),
--    settled (list of ids), answered (map target -> token), messages (list of {to, id, json, urgent, sender}),
--    withdrawn (list of {to, id} of messages),
--    events (list of {json, type, text, item, agent}), watched, unwatched (lists of targets), wakes (as read),
--    objectives (list of {reference, for people}; of a mission that is taken up again or has others now, else empty),
--    due_ms (or nil), is_active, state, startable (items that could be begun now), at, ms
-- NOTFOUND. EXISTS: another mission has an objective of one that is taken up again. STALE: it is at another version.
-- LEASE: another dispatcher has it. CONFLICT: an agent took other work.
-- Returns the new version.
local name = key('mission', A.id)
local version = redis.call('HGET', name, 'version')
if not version then return refuse('NOTFOUND', 'no mission ' .. A.id) end
if tonumber(version) ~= A.version then
  return refuse('STALE', 'the mission is at version ' .. version .. ', planned from ' .. A.version)
end
if A.token and redis.call('GET', name .. ':lease') ~= A.token .. ':' .. A.dispatcher then
  return refuse('LEASE', 'another dispatcher has the mission')
end
-- A task that was to be taken back may have ended since; the decision did not know its outcome.
for _, one in ipairs(A.cancelled) do
  local state = redis.call('HGET', key('task', one[1]), 'state')
  if state == 'completed' or state == 'failed' then return refuse('STALE', 'a task ended meanwhile') end
end
local woken = redis.call('HGET', name, 'wakes') ~= A.wakes
local freed = {}
for _, one in ipairs(A.cancelled) do
  local agent = redis.call('HGET', key('task', one[1]), 'agent_id')
  if agent then freed[agent] = (freed[agent] or 0) + 1 end
end
for _, given in ipairs(A.given) do
  local load = redis.call('SCARD', key('agent', given.agent, 'tasks')) - (freed[given.agent] or 0)
  if refuses_work(given.agent) or load > given.load then
    return refuse('CONFLICT', 'the agent is no longer free')
  end
end
local taken = other_with(A.objectives, A.id)
if taken then return refuse('EXISTS', taken) end

for _, one in ipairs(A.objectives) do redis.call('HSET', key('mission', 'objectives'), one[1], A.id) end
if A.is_active then redis.call('SADD', key('mission', 'active'), A.id) end
redis.call('HSET', name, 'record', A.record)
index_mission(A.id, A.state, A.startable)
local new_version = redis.call('HINCRBY', name, 'version', 1)
for id, item in pairs(A.items) do redis.call('HSET', name .. ':work', id, item) end
for id, brief in pairs(A.briefs) do redis.call('HSET', name .. ':briefs', id, brief) end
for id, watch in pairs(A.watches) do redis.call('HSET', name .. ':watch', id, watch) end
for _, target in ipairs(A.watched) do redis.call('HSET', key('mission', 'targets'), target, A.id) end
for _, target in ipairs(A.unwatched) do redis.call('HDEL', key('mission', 'targets'), target) end
for _, one in ipairs(A.cancelled) do
  if redis.call('EXISTS', key('task', one[1])) == 1 then
    end_task(one[1], 'cancelled', A.at, A.ms, {reason = one[2]})
  end
  redis.call('SREM', name .. ':tasks', one[1])
end
for _, id in ipairs(A.settled) do redis.call('SREM', name .. ':tasks', id) end
for target, token in pairs(A.answered) do
  if redis.call('HGET', name .. ':signals', target) == token then redis.call('HDEL', name .. ':signals', target) end
end
for _, given in ipairs(A.given) do give_task(given, A.at, A.ms) end
for _, one in ipairs(A.withdrawn) do drop_message(one[1], one[2]) end
for _, message in ipairs(A.messages) do
  deliver(message[1], message[2], message[3], message[4])
  tell_of_message(message[1], message[5], message[3], A.at, A.id)
end
for _, event in ipairs(A.events) do
  redis.call('RPUSH', name .. ':events', event.json)
  emit(event.type, A.at, {mission = A.id, text = event.text, item = event.item, agent = event.agent})
end
if #A.events > 0 then redis.call('LTRIM', name .. ':events', -100, -1) end
if not A.is_active then
  redis.call('SREM', key('mission', 'active'), A.id)
  redis.call('DEL', name .. ':lease') -- nobody has to wait for it, should a person take the mission up again
  local objectives = redis.call('HGETALL', key('mission', 'objectives'))
  for i = 1, #objectives, 2 do
    if objectives[i + 1] == A.id then redis.call('HDEL', key('mission', 'objectives'), objectives[i]) end
  end
end
if not A.is_active and not A.due_ms then
  redis.call('ZREM', key('mission', 'due'), A.id)
elseif not woken then
  defer(A.id, redis.call('HGET', name, 'wakes'), A.due_ms)
end
return new_version

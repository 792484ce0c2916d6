-- Stores a new mission whole. EXISTS: an objective is in an active mission; its work would be done twice.
-- A: id, record (JSON), items (map id -> JSON), briefs (map id -> JSON), events (list of {json, type, text}),
--    objectives (list of {reference, for people}), state, startable (items that could be begun now), at, ms
if redis.call('EXISTS', key('mission', A.id)) == 1 then return 1 end -- the same call again: its answer was lost
local taken = other_with(A.objectives, A.id)
if taken then return refuse('EXISTS', taken) end
for _, one in ipairs(A.objectives) do redis.call('HSET', key('mission', 'objectives'), one[1], A.id) end
local name = key('mission', A.id)
redis.call('HSET', name, 'record', A.record, 'version', 1, 'wakes', 0)
for id, item in pairs(A.items) do redis.call('HSET', name .. ':work', id, item) end
for id, brief in pairs(A.briefs) do redis.call('HSET', name .. ':briefs', id, brief) end
redis.call('SADD', key('mission', 'active'), A.id)
redis.call('ZADD', key('missions'), A.ms, A.id)
index_mission(A.id, A.state, A.startable)
redis.call('ZADD', key('mission', 'due'), A.ms, A.id)
for _, event in ipairs(A.events) do
  redis.call('RPUSH', name .. ':events', event[1])
  emit(event[2], A.at, {mission = A.id, text = event[3]})
end
redis.call('LTRIM', name .. ':events', -100, -1)
return 1

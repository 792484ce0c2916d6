-- Ends a mission for good: what is open of it is cancelled, what it asked is taken back, its objectives are free, nothing of it is kept but its
-- finished tasks.
-- A: id, force, reason (for the tasks that are cancelled), at, ms
-- NOTFOUND. CONFLICT: it is active, and `force` is not given. Returns how many open tasks were cancelled.
local name = key('mission', A.id)
if redis.call('EXISTS', name) == 0 then return refuse('NOTFOUND', 'no mission ' .. A.id) end
if redis.call('SISMEMBER', key('mission', 'active'), A.id) == 1 and not A.force then
  return refuse('CONFLICT', 'the mission is active; to end it for good, with what agents are at, give --force')
end
redis.call('SREM', key('mission', 'active'), A.id)
redis.call('ZREM', key('mission', 'due'), A.id)
redis.call('ZREM', key('missions'), A.id)
index_mission(A.id)
for _, index in ipairs({'objectives', 'targets'}) do
  local flat = redis.call('HGETALL', key('mission', index))
  for i = 1, #flat, 2 do
    if flat[i + 1] == A.id then redis.call('HDEL', key('mission', index), flat[i]) end
  end
end
local cancelled = 0
for _, id in ipairs(redis.call('SMEMBERS', name .. ':tasks')) do
  local state = redis.call('HGET', key('task', id), 'state')
  if state == 'pending' or state == 'assigned' or state == 'running' then
    end_task(id, 'cancelled', A.at, A.ms, {reason = A.reason})
    cancelled = cancelled + 1
  end
end
local help = cjson.decode(redis.call('HGET', name, 'record')).help
if type(help) == 'table' then -- JSON's null is userdata
  for _, question in ipairs(help.questions or {}) do drop_message('conductor', question.id) end
end
for _, part in ipairs({'', ':work', ':watch', ':briefs', ':tasks', ':signals', ':events', ':lease'}) do
  redis.call('DEL', name .. part)
end
emit('mission.deleted', A.at, {mission = A.id, text = 'mission ' .. A.id:sub(1, 8) .. ' is deleted'})
return cancelled

-- Reads a part of the backlog, the oldest first.
-- A: after (id of a task that was in the backlog once, or nil: from the beginning), limit
-- NOTFOUND: no such task, or it never was there. Returns the tasks' fields.
local first = 0
if A.after then
  local queued = redis.call('HGET', key('task', A.after), 'queued_ms')
  if not queued then return refuse('NOTFOUND', "no task '" .. A.after .. "' was in the backlog") end
  -- It may have been taken meanwhile: what comes after it is younger, or as old and behind it by its id.
  first = redis.call('ZCOUNT', key('backlog'), '-inf', '(' .. queued)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('backlog'), queued, queued)) do
    if id <= A.after then first = first + 1 end
  end
end
local found = {}
for _, id in ipairs(redis.call('ZRANGE', key('backlog'), first, first + A.limit - 1)) do
  found[#found + 1] = redis.call('HGETALL', key('task', id))
end
return found

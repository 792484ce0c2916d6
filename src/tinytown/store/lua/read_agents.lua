-- Reads every agent of the town with its load.
-- A: nothing. Returns a list of {fields, open tasks, inbox length, urgent length}.
local found = {}
for _, id in ipairs(redis.call('HVALS', key('agents'))) do
  found[#found + 1] = {
    redis.call('HGETALL', key('agent', id)),
    redis.call('SCARD', key('agent', id, 'tasks')),
    redis.call('ZCARD', key('inbox', id)),
    redis.call('ZCOUNT', key('inbox', id), '-inf', 1e13),
  }
end
return found

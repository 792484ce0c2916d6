-- Gives back checks that could not be run, to be given again after `later_ms`; others go first.
-- A: number, head, host, reason, later_ms, at, ms
-- LEASE: the claim is not the host's any more.
local entry = A.number .. ':' .. A.head
local tries = key('check', entry, 'tries')
local holder = redis.call('HGET', key('checks', 'running'), entry)
if not holder and redis.call('HGET', tries, 'reason') == A.reason then return 0 end -- the same call again
if holder ~= A.host then
  return refuse('LEASE', 'the checks of ' .. entry .. ' were given to another host')
end
redis.call('HDEL', key('checks', 'running'), entry)
redis.call('HSET', tries, 'reason', A.reason, 'later_ms', A.later_ms)
redis.call('EXPIRE', tries, 86400)
redis.call('ZADD', key('checks', 'queued'), A.ms, entry)
emit('check.put_off', A.at, {target = redis.call('HGET', key('pull', A.number), 'url'), text = A.reason})
return 1

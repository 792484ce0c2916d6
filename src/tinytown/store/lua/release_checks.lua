-- Puts the checks that a host was running back into the queue. Returns how many.
-- A: host, ms
local running, count = redis.call('HGETALL', key('checks', 'running')), 0
for i = 1, #running, 2 do
  if running[i + 1] == A.host then
    redis.call('HDEL', key('checks', 'running'), running[i])
    redis.call('ZADD', key('checks', 'queued'), A.ms, running[i])
    count = count + 1
  end
end
return count

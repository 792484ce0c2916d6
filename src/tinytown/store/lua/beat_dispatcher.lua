-- A dispatcher's heartbeat: says it is there, releases hosts whose lease ran out, and returns what is due.
-- A: id, record (JSON with at_ms), stale_ms, at, ms. Returns {due mission ids, active mission ids, next due ms or ''}.
local dispatchers = key('dispatchers')
redis.call('HSET', dispatchers, A.id, A.record)
local all = redis.call('HGETALL', dispatchers)
for i = 1, #all, 2 do
  if cjson.decode(all[i + 1]).at_ms < A.ms - A.stale_ms then redis.call('HDEL', dispatchers, all[i]) end
end
for _, host in ipairs(redis.call('SMEMBERS', key('hosts'))) do
  if redis.call('EXISTS', key('host', host, 'lease')) == 0 then
    release_host(host, 'its host stopped answering', A.at, A.ms)
  end
end
local due = redis.call('ZRANGEBYSCORE', key('mission', 'due'), '-inf', A.ms)
local nxt = redis.call('ZRANGEBYSCORE', key('mission', 'due'), '(' .. string.format('%d', A.ms), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return {due, redis.call('SMEMBERS', key('mission', 'active')), nxt[2] or ''}

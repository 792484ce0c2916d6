-- A dispatcher's heartbeat: says it is there, releases hosts whose lease ran out, and returns what is due. A host is
-- released only when its lease is still missing `grace_ms` after that was first seen: both may have been asleep.
-- A: id, record (JSON with at_ms), steps, took, buckets (see count_steps), stale_ms, grace_ms, at, ms.
-- Returns {due mission ids, active mission ids, next due ms or ''}.
local dispatchers = key('dispatchers')
count_steps(A.id, A.steps, A.took, A.buckets)
redis.call('HSET', dispatchers, A.id, A.record)
local all = redis.call('HGETALL', dispatchers)
for i = 1, #all, 2 do
  if cjson.decode(all[i + 1]).at_ms < A.ms - A.stale_ms then redis.call('HDEL', dispatchers, all[i]) end
end
for _, host in ipairs(redis.call('SMEMBERS', key('hosts'))) do
  local name = key('host', host)
  if redis.call('EXISTS', name .. ':lease') == 1 then
    redis.call('HDEL', name, 'missed_at')
  elseif redis.call('HSETNX', name, 'missed_at', A.ms) == 0
      and A.ms - tonumber(redis.call('HGET', name, 'missed_at')) >= A.grace_ms then
    release_host(host, 'its host stopped answering', A.at, A.ms, true)
  end
end
local due = redis.call('ZRANGEBYSCORE', key('mission', 'due'), '-inf', A.ms)
local nxt = redis.call('ZRANGEBYSCORE', key('mission', 'due'), '(' .. string.format('%d', A.ms), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return {due, redis.call('SMEMBERS', key('mission', 'active')), nxt[2] or ''}

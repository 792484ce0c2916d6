-- Registers a host and gives it a lease with a rising token; hosts of the same machine whose lease ran out, and any
-- that the caller knows to be dead (it holds the machine's lock), are released first.
-- A: host, machine, record (map), ttl_ms, at, ms
-- Returns {token, ids of runs that released hosts left behind}.
local runs = {}
for _, other in ipairs(redis.call('SMEMBERS', key('hosts'))) do
  if redis.call('HGET', key('host', other), 'machine') == A.machine then
    for _, run in ipairs(release_host(other, 'its host ended', A.at, A.ms, true)) do runs[#runs + 1] = run end
  end
end
local token = string.format('%d', redis.call('INCR', key('host', 'token')))
redis.call('SET', key('host', A.host, 'lease'), token, 'PX', A.ttl_ms)
put(key('host', A.host), A.record)
redis.call('HSET', key('host', A.host), 'machine', A.machine, 'started_at', A.at, 'token', token, 'ttl_ms', A.ttl_ms)
redis.call('SADD', key('hosts'), A.host)
emit('host.opened', A.at, {host = A.host})
return {token, runs}

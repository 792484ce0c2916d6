-- Renews a host's lease. One that ran out is taken up again as long as nobody released the host.
-- A: host, token, ttl_ms. LEASE: it was released.
local lease = key('host', A.host, 'lease')
local held = redis.call('GET', lease)
if held == A.token or (not held and redis.call('SISMEMBER', key('hosts'), A.host) == 1) then
  redis.call('SET', lease, A.token, 'PX', A.ttl_ms)
  return 1
end
return refuse('LEASE', 'the host was released; its agents went elsewhere')

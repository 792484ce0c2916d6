-- Renews a host's lease. One that ran out is taken up again as long as nobody released the host.
-- A: host, token, ttl_ms. LEASE: it was released.
if not check_host(A.host, A.token, A.ttl_ms) then
  return refuse('LEASE', 'the host was released; its agents went elsewhere')
end
redis.call('PEXPIRE', key('host', A.host, 'lease'), A.ttl_ms)
return 1

-- A host ends by itself: its agents turn cold and what they were running is given back. LEASE: it was released before.
-- A: host, token, at, ms
if not check_host(A.host, A.token) then return refuse('LEASE', 'the host was released') end
release_host(A.host, 'its host stopped', A.at, A.ms)
return 1

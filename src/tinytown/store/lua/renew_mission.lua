-- Renews a dispatcher's lease on a mission, unless that ran out and another has it, or nobody.
-- A: id, token, dispatcher, ttl_ms
-- Returns 1 when it is renewed, else 0.
local name = key('mission', A.id) .. ':lease'
if redis.call('GET', name) ~= A.token .. ':' .. A.dispatcher then return 0 end
redis.call('PEXPIRE', name, A.ttl_ms)
return 1

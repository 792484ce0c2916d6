-- Keeps what a forge answered, for when it says that nothing has changed. KEYS[1] is the prefix of the token.
-- A: id, ttl (s), fields (map).
local name = key('seen', A.id)
redis.call('DEL', name)
for field, value in pairs(A.fields) do redis.call('HSET', name, field, value) end
redis.call('EXPIRE', name, A.ttl)
return 1

-- Keeps the answer to a request, for who sends it again; or, without a status, lets it be carried out again.
-- A: id, token (as claim_request), status (or nil), headers, body (texts), keep_secs
-- Returns 1; 0 when the claim was void already, and nothing is changed.
local name = key('request', A.id)
if redis.call('HGET', name, 'token') ~= A.token then return 0 end
if not A.status then return redis.call('DEL', name) end
redis.call('HDEL', name, 'token')
redis.call('HSET', name, 'status', A.status, 'headers', A.headers, 'body', A.body)
redis.call('EXPIRE', name, A.keep_secs)
return 1

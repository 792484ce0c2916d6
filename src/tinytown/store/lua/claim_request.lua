-- Claims a request for whoever sent it under a key: of all that come with that key, one is carried out.
-- A: id (hash of who and the key), fingerprint (of the request), token (of this attempt), busy_ms (after which the claim
--    of an attempt that never ended is void)
-- Returns {'claimed'}; {'other'} when the key belongs to another request; {'busy'} while another attempt is under way;
-- {'done', status, headers, body} when it was answered.
local name = key('request', A.id)
local fingerprint, token, status, headers, body =
  unpack(redis.call('HMGET', name, 'fingerprint', 'token', 'status', 'headers', 'body'))
if fingerprint and fingerprint ~= A.fingerprint then return {'other'} end
if status then return {'done', status, headers, body} end
if token and token ~= A.token then return {'busy'} end
redis.call('HSET', name, 'fingerprint', A.fingerprint, 'token', A.token)
redis.call('PEXPIRE', name, A.busy_ms)
return {'claimed'}

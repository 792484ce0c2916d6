-- Queues the checks of a local pull request's head, unless they are queued, running or done.
-- A: number, again (forget what they said before), at, ms
-- NOTFOUND.
local state, head, target = unpack(redis.call('HMGET', key('pull', A.number), 'state', 'head', 'url'))
if not state then return refuse('NOTFOUND', 'no pull request ' .. A.number) end
if state ~= 'open' then return 0 end
if A.again then redis.call('DEL', key('check', A.number, head), key('check', A.number, head, 'tries')) end
queue_check(A.number, head, target, A.at, A.ms)
return 1

-- Queues the checks of a local pull request's head, unless they are queued, running or done.
-- A: number, at, ms
-- NOTFOUND.
local state, head, target = unpack(redis.call('HMGET', key('pull', A.number), 'state', 'head', 'url'))
if not state then return refuse('NOTFOUND', 'no pull request ' .. A.number) end
if state == 'open' then queue_check(A.number, head, target, A.at, A.ms) end
return 1

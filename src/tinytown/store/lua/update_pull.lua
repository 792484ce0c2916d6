-- Moves the head of an open local pull request from `expected`; does nothing when it is elsewhere, or merged.
-- A: number, expected, head, fork (where the base is), with_checks, at, ms
-- NOTFOUND. Returns whether it moved (1 or 0).
local state, head = unpack(redis.call('HMGET', key('pull', A.number), 'state', 'head'))
if not state then return refuse('NOTFOUND', 'no pull request ' .. A.number) end
if state ~= 'open' or head ~= A.expected or head == A.head then return 0 end
move_pull(A.number, A.head, A.fork, A.with_checks, A.at, A.ms)
return 1

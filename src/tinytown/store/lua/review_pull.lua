-- Keeps a review of a local pull request; the same one twice is kept once.
-- A: number, review (JSON), text (for the event), at, ms
-- NOTFOUND.
local target = redis.call('HGET', key('pull', A.number), 'url')
if not target then return refuse('NOTFOUND', 'no pull request ' .. A.number) end
local reviews = key('pull', A.number, 'reviews')
if redis.call('LINDEX', reviews, -1) == A.review then return 0 end
redis.call('RPUSH', reviews, A.review)
local left = redis.call('TTL', key('pull', A.number))
if left >= 0 then redis.call('EXPIRE', reviews, left) end -- it is merged, and goes with it
emit('pull.reviewed', A.at, {target = target, text = A.text})
signal(target, A.ms)
return 1

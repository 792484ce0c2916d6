-- Takes a delivery of a forge's webhook, once: whoever watches what it is about is to look at it.
-- A: id (of the delivery), keep_secs, pulls (list of targets), waiting (list of {mission, signal}: of outside issues),
--    text (for the event), at, ms
-- Returns how many missions and pull requests were signalled; -1 when the delivery was taken before.
if not redis.call('SET', key('delivery', A.id), 1, 'NX', 'EX', A.keep_secs) then return -1 end
local count = 0
for _, target in ipairs(A.pulls) do
  if redis.call('HEXISTS', key('mission', 'targets'), target) == 1 then
    signal(target, A.ms)
    count = count + 1
  end
end
for _, one in ipairs(A.waiting) do
  if redis.call('SISMEMBER', key('mission', 'active'), one[1]) == 1 then
    local token = string.format('%d', redis.call('INCR', key('seq')))
    redis.call('HSET', key('mission', one[1], 'signals'), one[2], token)
    wake(one[1], A.ms)
    count = count + 1
  end
end
if count > 0 then emit('forge.delivered', A.at, {text = A.text}) end
return count

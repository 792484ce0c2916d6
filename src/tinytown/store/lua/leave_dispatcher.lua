-- A dispatcher ended, or died: its heartbeat goes, and its missions are free for others at once.
-- A: id, steps, took, buckets (see count_steps)
if redis.call('HEXISTS', key('dispatchers'), A.id) == 1 then -- else it was said before, and counted
  count_steps(A.id, A.steps, A.took, A.buckets)
end
redis.call('HDEL', key('dispatchers'), A.id)
local followed = {redis.call('SMEMBERS', key('mission', 'active')), redis.call('ZRANGE', key('mission', 'due'), 0, -1)}
for _, missions in ipairs(followed) do
  for _, mission in ipairs(missions) do
    local lease = key('mission', mission, 'lease')
    local held = redis.call('GET', lease)
    if held and held:match('^%d+:(.*)$') == A.id then redis.call('DEL', lease) end
  end
end
return 1

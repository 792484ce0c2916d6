-- A dispatcher ended, or died: its heartbeat goes, and its missions are free for others at once.
-- A: id
redis.call('HDEL', key('dispatchers'), A.id)
for _, mission in ipairs(redis.call('SMEMBERS', key('mission', 'active'))) do
  local lease = key('mission', mission, 'lease')
  local held = redis.call('GET', lease)
  if held and held:match('^%d+:(.*)$') == A.id then redis.call('DEL', lease) end
end
return 1

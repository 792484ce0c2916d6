-- Gives a host the checks that have waited longest; those of a merged pull request or an old head are dropped. A host
-- does one at a time: what it has already goes first, for then it never learned so, or could not say how they went.
-- A: host, at
-- LEASE: the host was released. Returns {number, head, branch, url}, or nothing when none wait.
if redis.call('SISMEMBER', key('hosts'), A.host) == 0 then return refuse('LEASE', 'host ' .. A.host .. ' was released') end
local running, mine = redis.call('HGETALL', key('checks', 'running')), {}
for i = 1, #running, 2 do
  if running[i + 1] == A.host then mine[#mine + 1] = running[i] end
end
while true do
  local entry = table.remove(mine) or redis.call('ZPOPMIN', key('checks', 'queued'))[1]
  if not entry then return false end
  redis.call('HDEL', key('checks', 'running'), entry)
  local number, head = entry:match('^(%d+):(.*)$')
  local state, now, branch, target = unpack(redis.call('HMGET', key('pull', number), 'state', 'head', 'branch', 'url'))
  if state == 'open' and now == head then
    redis.call('HSET', key('checks', 'running'), entry, A.host)
    emit('check.started', A.at, {target = target, text = head, host = A.host})
    return {number, head, branch, target}
  end
end

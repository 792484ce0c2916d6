-- Keeps the results of checks and ends the host's claim on them; without results only the claim ends, and those of a head
-- that a pull request has left are dropped.
-- A: number, head, host, runs (map check name -> JSON), text (for the event), at, ms
-- LEASE: the claim is not the host's any more.
local entry = A.number .. ':' .. A.head
local holder = redis.call('HGET', key('checks', 'running'), entry)
if not holder and redis.call('EXISTS', key('check', entry)) == 1 then return 0 end -- the same call again
if holder ~= A.host then
  return refuse('LEASE', 'the checks of ' .. entry .. ' were given to another host')
end
redis.call('HDEL', key('checks', 'running'), entry)
if not next(A.runs) then return 0 end
redis.call('DEL', key('check', entry), key('check', entry, 'tries'))
local state, head, target = unpack(redis.call('HMGET', key('pull', A.number), 'state', 'head', 'url'))
if state ~= 'open' or head ~= A.head then return 0 end
for name, run in pairs(A.runs) do redis.call('HSET', key('check', entry), name, run) end
emit('check.finished', A.at, {target = target, text = A.text})
signal(target, A.ms)
return 1

-- Gives a host the checks that have waited longest; those of a merged pull request or an old head are dropped, those put
-- off are passed over. A host does one at a time: what it has already goes first, for then it never learned so, or could
-- not say how they went. Checks given too often without an outcome are given up: something keeps them from being run.
-- A: host, most (how often they are given), at, ms
-- LEASE: the host was released. Returns {number, head, branch, url}, or nothing when none wait.
if redis.call('SISMEMBER', key('hosts'), A.host) == 0 then return refuse('LEASE', 'host ' .. A.host .. ' was released') end

local function give_up(entry, target, tries)
  local reason = redis.call('HGET', tries, 'reason') or 'its host died each time it ran them'
  local run = {name = 'all', verdict = 'unknown', trouble = 'given up after ' .. A.most .. ' tries: ' .. reason}
  redis.call('DEL', tries)
  redis.call('HSET', key('check', entry), run.name, cjson.encode(run))
  emit('check.finished', A.at, {target = target, text = run.trouble})
  signal(target, A.ms)
end

local function take(entry)
  redis.call('ZREM', key('checks', 'queued'), entry)
  redis.call('HDEL', key('checks', 'running'), entry)
  local number, head = entry:match('^(%d+):(.*)$')
  local state, now, branch, target = unpack(redis.call('HMGET', key('pull', number), 'state', 'head', 'branch', 'url'))
  if state ~= 'open' or now ~= head then return nil end
  local tries = key('check', entry, 'tries')
  if redis.call('HINCRBY', tries, 'count', 1) > A.most then return give_up(entry, target, tries) end
  redis.call('EXPIRE', tries, 86400)
  redis.call('HSET', key('checks', 'running'), entry, A.host)
  emit('check.started', A.at, {target = target, text = head, host = A.host})
  return {number, head, branch, target}
end

local running = redis.call('HGETALL', key('checks', 'running'))
for i = 1, #running, 2 do
  local taken = running[i + 1] == A.host and take(running[i])
  if taken then return taken end
end
for _, entry in ipairs(redis.call('ZRANGE', key('checks', 'queued'), 0, -1)) do
  local later = tonumber(redis.call('HGET', key('check', entry, 'tries'), 'later_ms') or 0)
  local taken = later <= A.ms and take(entry)
  if taken then return taken end
end
return false

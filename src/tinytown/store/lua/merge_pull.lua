-- Records that a local pull request was merged; a merged one stays as it is. What is known of it goes after `kept_secs`.
-- A: number, head (that was merged), sha (on the base branch), notice (what a person should know of it), kept_secs, at, ms
-- NOTFOUND. Returns the commit it is merged as.
local name = key('pull', A.number)
local state, merged_as, target, branch, head = unpack(
  redis.call('HMGET', name, 'state', 'merged_as', 'url', 'branch', 'head'))
if not state then return refuse('NOTFOUND', 'no pull request ' .. A.number) end
if state == 'merged' then return merged_as end
redis.call('HSET', name, 'state', 'merged', 'merged_as', A.sha, 'head', A.head, 'updated_at', A.at)
put(name, {notice = A.notice})
if redis.call('HGET', key('pull', 'branches'), branch) == A.number then
  redis.call('HDEL', key('pull', 'branches'), branch)
end
redis.call('ZREM', key('checks', 'queued'), A.number .. ':' .. head, A.number .. ':' .. A.head)
if head ~= A.head then redis.call('DEL', key('check', A.number, head)) end
for _, old in ipairs({name, key('pull', A.number, 'reviews'), key('check', A.number, A.head)}) do
  redis.call('EXPIRE', old, A.kept_secs)
end
emit('pull.merged', A.at, {target = target, text = A.sha})
signal(target, A.ms)
return A.sha

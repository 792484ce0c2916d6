-- Opens a local pull request, or finds the one of that head branch or marker and brings its head up to date. A merged
-- one is found again while the same head is handed in.
-- A: branch, base, head, fork, title, body, marker, place (what comes before the number in its URL), with_checks, at, ms
-- Returns its number.
local branches, markers = key('pull', 'branches'), key('pull', 'markers')
local number = redis.call('HGET', branches, A.branch)
if not number then
  local marked = redis.call('HGET', markers, A.marker)
  if marked then
    local state, head = unpack(redis.call('HMGET', key('pull', marked), 'state', 'head'))
    if state == 'open' or (state == 'merged' and head == A.head) then number = marked end
  end
end
if number then
  local name = key('pull', number)
  local state, head, branch = unpack(redis.call('HMGET', name, 'state', 'head', 'branch'))
  redis.call('HSET', markers, A.marker, number)
  if state == 'open' then
    if branch ~= A.branch then
      redis.call('HDEL', branches, branch)
      redis.call('HSET', branches, A.branch, number)
      redis.call('HSET', name, 'branch', A.branch)
    end
    if head ~= A.head then move_pull(number, A.head, A.fork, A.with_checks, A.at, A.ms) end
  end
  return number
end

number = string.format('%d', redis.call('INCR', key('pull', 'seq')))
local target = A.place .. number
redis.call('HSET', key('pull', number), 'number', number, 'url', target, 'branch', A.branch, 'base', A.base,
  'head', A.head, 'fork', A.fork, 'title', A.title, 'body', A.body, 'marker', A.marker, 'state', 'open',
  'opened_at', A.at, 'updated_at', A.at)
redis.call('HSET', branches, A.branch, number)
redis.call('HSET', markers, A.marker, number)
emit('pull.opened', A.at, {target = target, text = A.title})
if A.with_checks then queue_check(number, A.head, target, A.at, A.ms) end
signal(target, A.ms)
return number

-- What one answer of a forge said of the quota. KEYS[1] is the prefix of the token, not of a town.
-- Answers of parallel requests come out of order: of one reset time (forges let it waver by seconds) the least remaining
-- counts, a later reset replaces all, an earlier one is old news.
-- A: resource, at (ms), is_accepted (whether the token was), quota {limit, remaining, used, reset (ms)} or nothing,
-- blocked {resource, until (ms), why, is_counted} or nothing.
-- Returns how often that resource has been blocked in a row.
local WAVER, KEPT, ROW = 5000, 3600000, 600000

local function keep(name, until_ms)
  local ttl = redis.call('PTTL', name)
  redis.call('PEXPIRE', name, string.format('%d', math.max(until_ms - A.at + KEPT, ttl, 60000)))
end

if A.is_accepted then redis.call('DEL', key('quota', 'token')) end
if A.quota then
  local name, q = key('quota', A.resource), A.quota
  local reset = tonumber(redis.call('HGET', name, 'reset') or '0')
  local left = q.remaining
  if math.abs(q.reset - reset) <= WAVER then
    left = math.min(left, tonumber(redis.call('HGET', name, 'remaining') or left))
  end
  if q.reset >= reset - WAVER then
    redis.call('HSET', name, 'limit', q.limit, 'remaining', left, 'used', q.limit - left, 'reset',
      string.format('%d', math.max(q.reset, reset)), 'seen_at', string.format('%d', A.at))
    keep(name, q.reset)
  end
end
if A.blocked then
  local name, b = key('quota', A.blocked.resource), A.blocked
  local old = tonumber(redis.call('HGET', name, 'blocked_until') or '0')
  -- A token that was refused stays so until it is accepted; other rows end.
  if b.resource ~= 'token' and old + ROW < A.at then redis.call('HDEL', name, 'strikes') end
  -- Requests that were under way together are refused together: that is one block.
  if old <= A.at then redis.call('HINCRBY', name, 'strikes', 1) end
  redis.call('HSET', name, 'blocked_until', string.format('%d', math.max(old, b['until'])), 'why', b.why)
  keep(name, b['until'])
  return tonumber(redis.call('HGET', name, 'strikes') or '1')
end
return 0

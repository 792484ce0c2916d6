-- Whether a forge may be asked now. KEYS[1] is the prefix of the token, not of a town.
-- Below the reserve looks are let through together for a while (`open_ms`), then not until the next slot: the less
-- remains, the later, up to ten times the usual interval.
-- A: resource, at (ms), is_look, reserve (fraction of the limit), interval (ms), open_ms.
-- Returns {kind, until (ms), why, strikes of 'all', strikes of 'token', remaining, limit, reset (ms)}; kind is 'yes',
-- 'refused' (the token), 'blocked', 'used' or 'slow'; the last three are -1 when they are not known.
local function number(name, field)
  return tonumber(redis.call('HGET', name, field) or '-1')
end

local function text(ms)
  return string.format('%d', ms)
end

local quota = key('quota', A.resource)
local limit, remaining, reset = number(quota, 'limit'), number(quota, 'remaining'), number(quota, 'reset')
local strikes = {math.max(number(key('quota', 'all'), 'strikes'), 0), math.max(number(key('quota', 'token'), 'strikes'), 0)}

local function answer(kind, until_ms, why)
  return {kind, text(until_ms), why, strikes[1], strikes[2], remaining, limit, text(reset)}
end

for _, part in ipairs({'token', 'all', A.resource}) do
  local name = key('quota', part)
  local blocked = number(name, 'blocked_until')
  if blocked > A.at then return answer(part == 'token' and 'refused' or 'blocked', blocked, redis.call('HGET', name, 'why') or '') end
end
if limit <= 0 or reset <= A.at then return answer('yes', 0, '') end
if remaining <= 0 then return answer('used', reset, '') end
local least = limit * A.reserve
if not A.is_look or remaining > least then return answer('yes', 0, '') end
redis.call('HSET', quota, 'slowed', text(reset)) -- for people: below the reserve until then
if A.at < number(quota, 'open_until') then return answer('yes', 0, '') end
local slot = math.min(number(quota, 'next_slot'), reset)
if A.at < slot then return answer('slow', slot, '') end
local gap = A.interval * (1 + 9 * (least - remaining) / least)
redis.call('HSET', quota, 'open_until', text(A.at + A.open_ms), 'next_slot', text(A.at + gap))
return answer('yes', 0, '')

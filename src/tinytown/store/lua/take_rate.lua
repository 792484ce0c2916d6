-- Takes one request out of a rate, by the generic cell rate algorithm: the key holds when the requests that were taken
-- so far would be due if they came evenly (microseconds of the server's clock, so that all who share it agree).
-- A: name (of the key, after `rate:`), interval (microseconds between requests), burst (how many may come at once).
-- Returns {1 when it was taken else 0, how many are left now, microseconds until one is possible, until all are again}.
local name = key('rate', A.name)
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local due = math.max(tonumber(redis.call('GET', name) or now), now)
local room = A.interval * A.burst
local next_due = due + A.interval
if next_due - now > room then
  return {0, 0, math.ceil(next_due - room - now), math.ceil(due - now)}
end
redis.call('SET', name, string.format('%.0f', next_due), 'PX', math.ceil((next_due - now) / 1000))
return {1, math.floor((room - (next_due - now)) / A.interval), 0, math.ceil(next_due - now)}

-- Put before every script. KEYS[1] is the town's prefix (`tt:<town>`); all other keys are built from it, so that a
-- town is one slot on a cluster. ARGV[1] is a MessagePack map with the script's arguments.
local T = KEYS[1]
local A = cmsgpack.unpack(ARGV[1])

local function key(...)
  return T .. ':' .. table.concat({...}, ':')
end

-- Adds an entry to the town's event stream. `fields` is a map of strings; nil values are left out.
local function emit(type, at, fields)
  local entry = {'type', type, 'at', at}
  for name, value in pairs(fields) do
    entry[#entry + 1] = name
    entry[#entry + 1] = value
  end
  return redis.call('XADD', key('events'), 'MAXLEN', '~', 10000, '*', unpack(entry))
end

-- Makes a mission due no later than `ms`.
local function wake(mission, ms)
  if redis.call('SISMEMBER', key('mission', 'active'), mission) == 1 then
    redis.call('ZADD', key('mission', 'due'), 'LT', ms, mission)
  end
end

-- Makes every active mission due: an agent became free, or there is a new one.
local function wake_all(ms)
  for _, mission in ipairs(redis.call('SMEMBERS', key('mission', 'active'))) do
    redis.call('ZADD', key('mission', 'due'), 'LT', ms, mission)
  end
end

local function refuse(code, text)
  return redis.error_reply(code .. ' ' .. text)
end

-- Gives up a host that is gone: its lease ran out, or the caller knows that its process is dead.
-- A: host, token (as it was read), is_dead, at, ms
-- Returns the names of the agents that it had; nothing when it is there after all, or was given up meanwhile.
if redis.call('HGET', key('host', A.host), 'token') ~= A.token then return {} end
if not A.is_dead and redis.call('EXISTS', key('host', A.host, 'lease')) == 1 then return {} end
local names = {}
for _, agent in ipairs(redis.call('SMEMBERS', key('host', A.host, 'agents'))) do
  local state = redis.call('HGET', key('agent', agent), 'state')
  if state and state ~= 'stopped' and state ~= 'error' then names[#names + 1] = name_of(agent) end
end
release_host(A.host, 'its host is gone', A.at, A.ms, true)
return names

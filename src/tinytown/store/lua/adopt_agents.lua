-- A host takes the agents of its machine that no host has.
-- A: host, token, machine, at, ms. LEASE. Returns the ids of all agents it has now.
if not check_host(A.host, A.token) then return refuse('LEASE', 'the host lost its lease') end
local mine = key('host', A.host, 'agents')
for _, id in ipairs(redis.call('HVALS', key('agents'))) do
  local name = key('agent', id)
  local state, machine = unpack(redis.call('HMGET', name, 'state', 'machine'))
  if machine == A.machine and (state == 'starting' or state == 'cold') then
    redis.call('SADD', mine, id)
    local interrupted, closing = unpack(redis.call('HMGET', name, 'is_interrupted', 'closing'))
    local now_state = interrupted and 'paused' or closing and 'draining' or 'idle' -- as it was when its host ended
    redis.call('HSET', name, 'state', now_state, 'since', A.at, 'host_id', A.host, 'free_ms', A.ms)
    redis.call('HDEL', name, 'reason', 'paused_until')
    put(name, {reason = interrupted and 'interrupted before its host came back' or nil})
    emit('agent.' .. now_state, A.at, {agent = id})
    wake_all(A.ms)
  end
end
return redis.call('SMEMBERS', mine)

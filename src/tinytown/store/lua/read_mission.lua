-- Reads a mission without its items and watches, which are read beside it, and takes or renews the dispatcher's lease on
-- it when `dispatcher` is given.
-- A: id, dispatcher (or nil), ttl_ms
-- NOTFOUND. Returns {'held', holder} when another dispatcher has the lease, else
-- {token, record, version, tasks, agents, signals, wakes} with flat hashes as HGETALL gives them.
local name = key('mission', A.id)
local record, version, wakes = unpack(redis.call('HMGET', name, 'record', 'version', 'wakes'))
if not record then return refuse('NOTFOUND', 'no mission ' .. A.id) end
local token = ''
if A.dispatcher then
  local held = redis.call('GET', name .. ':lease')
  if held then
    local owner
    token, owner = held:match('^(%d+):(.*)$')
    if owner ~= A.dispatcher then return {'held', owner} end
  else
    token = string.format('%d', redis.call('INCR', key('mission', 'token')))
  end
  redis.call('SET', name .. ':lease', token .. ':' .. A.dispatcher, 'PX', A.ttl_ms)
end
local tasks, agents = {}, {}
for _, id in ipairs(redis.call('SMEMBERS', name .. ':tasks')) do
  tasks[#tasks + 1] = redis.call('HGETALL', key('task', id))
end
for _, id in ipairs(redis.call('HVALS', key('agents'))) do
  agents[#agents + 1] = {redis.call('HGETALL', key('agent', id)), redis.call('SCARD', key('agent', id, 'tasks'))}
end
return {token, record, version, tasks, agents, redis.call('HGETALL', name .. ':signals'), wakes or ''}

-- Reads and removes messages of an inbox whose reader is a person: reading is its outcome.
-- A: to, ids (those; what is not there is left out; none: every message). Returns the messages in order.
local found = {}
for _, id in ipairs(A.ids or redis.call('ZRANGE', key('inbox', A.to), 0, -1)) do
  local message = redis.call('HGET', key('inbox', A.to, 'messages'), id)
  if message and not redis.call('HGET', key('inbox', A.to, 'claimed'), id) then
    found[#found + 1] = message
    drop_message(A.to, id)
  end
end
return found

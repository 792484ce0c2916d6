-- Reads and removes every message of an inbox whose reader is a person: reading is its outcome.
-- A: to. Returns the messages in order.
local found = {}
for _, id in ipairs(redis.call('ZRANGE', key('inbox', A.to), 0, -1)) do
  if not redis.call('HGET', key('inbox', A.to, 'claimed'), id) then
    found[#found + 1] = redis.call('HGET', key('inbox', A.to, 'messages'), id)
    drop_message(A.to, id)
  end
end
return found

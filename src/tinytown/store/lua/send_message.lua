-- Puts a message into an inbox. NOTFOUND: no such agent (the conductor's inbox is always there).
-- A: to, id, message (JSON), urgent, sender, at
if A.to ~= 'conductor' and redis.call('EXISTS', key('agent', A.to)) == 0 then
  return refuse('NOTFOUND', 'no agent ' .. A.to)
end
deliver(A.to, A.id, A.message, A.urgent)
emit('message.sent', A.at, {agent = A.to, text = A.sender})
return 1

-- Puts a message into an inbox. NOTFOUND: no such agent (the conductor's inbox is always there).
-- A: to, id, message (JSON), urgent, sender, at
if A.to ~= 'conductor' and redis.call('EXISTS', key('agent', A.to)) == 0 then
  return refuse('NOTFOUND', 'no agent ' .. A.to)
end
deliver(A.to, A.id, A.message, A.urgent)
tell_of_message(A.to, A.sender, A.message, A.at)
return 1

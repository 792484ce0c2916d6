-- Remembers which repository a name stood for at first contact, and which other name people were told it has now.
-- A: name, number, is_meant (the name is to stand for this one from now on), called (its name now, when that is another),
--    id, message (JSON, to the conductor about that), sender, at
-- Returns the number that the name stands for.
local known = key('forge', 'repositories')
if A.is_meant then
  redis.call('HSET', known, A.name, A.number)
else
  redis.call('HSETNX', known, A.name, A.number)
end
local number = tonumber(redis.call('HGET', known, A.name))
if number == A.number and A.called and redis.call('HGET', key('forge', 'renamed'), A.name) ~= A.called then
  redis.call('HSET', key('forge', 'renamed'), A.name, A.called)
  deliver('conductor', A.id, A.message, false)
  tell_of_message('conductor', A.sender, A.message, A.at)
end
return number

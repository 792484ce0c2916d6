-- Cancels a task of the backlog; an agent that added it is told, unless it is who removes it.
-- A: id, owner (name of the agent that calls and may remove only its own; nil for who may remove any), at, ms
-- NOTFOUND. FORBIDDEN: it is not the caller's. CONFLICT: it is not in the backlog (any more).
if not redis.call('ZSCORE', key('backlog'), A.id) then return not_in_backlog(A.id) end
local parent = cjson.decode(redis.call('HGET', key('task', A.id), 'spec')).parent
if A.owner and parent ~= A.owner then
  return refuse('FORBIDDEN', 'the task is not yours: an agent removes from the backlog what it added itself')
end
end_task(A.id, 'cancelled', A.at, A.ms, {reason = 'removed from the backlog'})
if not A.owner and parent ~= 'supervisor' then tell_sender(A.id, nil, 'cancelled', A.at) end
return 1

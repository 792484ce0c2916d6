-- Tells that a dispatcher is about to end, which ends its own wait for events.
-- A: at
return emit('dispatcher.leaving', A.at, {})

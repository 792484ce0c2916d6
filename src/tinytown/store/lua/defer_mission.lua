-- Sets when a mission is due next, when a step found nothing to commit. Does nothing if it was woken meanwhile.
-- A: id, wakes (as read), due_ms (or nil)
if is_followed(A.id) then defer(A.id, A.wakes, A.due_ms) end
return 1

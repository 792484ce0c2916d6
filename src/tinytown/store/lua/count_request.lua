-- Counts a request that was made for a mission: in the town's totals, and for the mission as long as there is one.
-- A: mission, fields (names to add 1 to), resource, outcome, token (identity of the token that it was made with).
count(1, 'forge', A.resource, A.outcome)
redis.call('SET', key('forge', 'token'), A.token)
if redis.call('EXISTS', key('mission', A.mission)) == 0 then return 0 end
for _, field in ipairs(A.fields) do
  redis.call('HINCRBY', key('mission', A.mission, 'requests'), field, 1)
end
redis.call('HSET', key('mission', A.mission, 'requests'), 'token', A.token)
return 1

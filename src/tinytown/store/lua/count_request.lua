-- Counts a request that was made for a mission, as long as there is that mission.
-- A: mission, fields (names to add 1 to), token (identity of the token that it was made with).
if redis.call('EXISTS', key('mission', A.mission)) == 0 then return 0 end
for _, field in ipairs(A.fields) do
  redis.call('HINCRBY', key('mission', A.mission, 'requests'), field, 1)
end
redis.call('HSET', key('mission', A.mission, 'requests'), 'token', A.token)
return 1

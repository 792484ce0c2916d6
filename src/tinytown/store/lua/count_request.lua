-- Counts a request that was made for a mission, as long as there is that mission.
-- A: mission, fields (names to add 1 to).
if redis.call('EXISTS', key('mission', A.mission)) == 0 then return 0 end
for _, field in ipairs(A.fields) do
  redis.call('HINCRBY', key('mission', A.mission, 'requests'), field, 1)
end
return 1

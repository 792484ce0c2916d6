-- Makes a task that nobody has yet.
-- A: id, spec, hops, at, ms
index_task(A.id, A.ms)
redis.call('HSET', key('task', A.id), 'spec', A.spec, 'hops', A.hops)
put_in_backlog(A.id, A.at, A.ms)
return 1

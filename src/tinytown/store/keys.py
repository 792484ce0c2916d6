"""Every key there is: its name, type, owner and lifetime. Nothing else in the code spells a key.

`T` below is the town's prefix, `tt:<town>`. (On Redis Cluster it would be `tt:{<town>}`, so that one town lives in one
slot; cluster connections are not built yet.)
`P` belongs to a token for GitHub, whichever towns use it: `tt:github:<hash of host and token>`, for an App
`tt:github:app-<id>-<installation>`. Secrets are in no key and no value.
Scripts receive the prefix as KEYS[1] and build the same names with the functions in `lua/_lib.lua`.

| key                       | type   | what                                              | lifetime |
|---------------------------|--------|---------------------------------------------------|----------|
| T:schema                  | string | version of this layout                            | town |
| T:events                  | stream | the town's events, the last 10,000 or so          | town |
| T:agents                  | hash   | agent name (lower case) -> agent id               | town |
| T:agent:<id>              | hash   | `spec` (JSON) and the mutable fields of an agent  | until pruned |
| T:agent:<id>:tasks        | set    | ids of its open tasks                             | with the agent |
| T:inbox:<id>              | zset   | message id -> (urgent first, then order of arrival) | with the agent |
| T:inbox:<id>:messages     | hash   | message id -> message (JSON)                      | with the agent |
| T:inbox:<id>:claimed      | hash   | message id -> id of the run that has it           | with the agent |
| T:inbox:<id>:later        | hash   | message id -> ms before which it is not claimed   | with the agent |
| T:inbox:<id>:tries        | hash   | message id -> runs that did not deal with it      | with the agent |
| T:seq                     | string | counter that orders messages                      | town |
| T:task:<id>               | hash   | `spec` (JSON) and the mutable fields of a task    | 30 days after its end |
| T:tasks                   | zset   | task id -> ms when it was given or ended          | as T:task:<id>, a while longer |
| T:tasks:ids               | zset   | task id -> 0: finds it by the beginning of its id | as T:tasks |
| T:backlog                 | zset   | task id -> ms when it was added, with a fraction for their order; of tasks that nobody has | town |
| T:backlog:wishes          | hash   | digest -> lines: roles and agents, in lower case, that its tasks are for | town |
| T:backlog:for:<digest>    | zset   | as T:backlog, of the tasks that are for those     | town |
| T:host:<id>               | hash   | machine, pid, started                             | until it is released |
| T:host:<id>:lease         | string | fencing token, expires unless renewed             | seconds |
| T:host:token              | string | counter of host fencing tokens                    | town |
| T:hosts                   | set    | ids of hosts not yet released                     | town |
| T:host:<id>:agents        | set    | ids of the agents it runs                         | with the host |
| T:dispatchers             | hash   | dispatcher id -> heartbeat (JSON)                 | removed when stale |
| T:mission:active          | set    | ids of missions that are planning, running, blocked | town |
| T:missions                | zset   | mission id -> ms when it was created              | town |
| T:mission:due             | zset   | mission id -> ms when it is to be looked at       | while active, or to be merged |
| T:mission:objectives      | hash   | issue or document -> id of the mission that has it | while active |
| T:mission:targets         | hash   | pull request -> mission id, for signals           | while watched |
| T:mission:state:<state>   | set    | ids of the missions in that state                 | town |
| T:mission:startable       | hash   | mission id -> items that could be begun now, when there are any | while active |
| T:mission:<id>            | hash   | `record` (JSON), `version`, `wakes` (a counter)   | until deleted |
| T:mission:<id>:work       | hash   | item id -> work item (JSON)                       | with the mission |
| T:mission:<id>:watch      | hash   | watch id -> watch (JSON)                          | with the mission |
| T:mission:<id>:briefs     | hash   | item id -> brief (JSON)                           | with the mission |
| T:mission:<id>:tasks      | set    | ids of its tasks not yet settled                  | with the mission |
| T:mission:<id>:signals    | hash   | pull request or outside issue -> token of the latest signal | with the mission |
| T:mission:<id>:events     | list   | the last 100 mission events (JSON)                | with the mission |
| T:mission:<id>:lease      | string | `<token>:<dispatcher>`, expires unless renewed    | seconds |
| T:mission:<id>:requests   | hash   | requests made of the forge: `sent`, `free`, `failed`, by resource; `token`: identity of the last one's | with the mission |
| T:mission:token           | string | counter of dispatcher fencing tokens              | town |
| T:counters                | hash   | running totals for `/metrics`: words joined by `|` -> number | town |
| T:forge:token             | string | identity (hash) of the token that GitHub was last asked with | town |
| T:request:<hash>          | hash   | a request under a key: fingerprint, token while it is under way; status, headers, body of its answer | minutes, then a day |
| T:doctor                  | string | that the server takes writes, of `tt doctor`      | seconds |
| T:delivery:<hook>:<id>    | string | a webhook's delivery that was taken               | 7 days |
| T:pull:seq                | string | last number of a local pull request               | town |
| T:pull:<number>           | hash   | a local pull request                              | 30 days after its merge |
| T:pull:branches           | hash   | head branch -> number of its open pull request    | town |
| T:pull:markers            | hash   | marker of a work item -> number of its pull request | town |
| T:pull:<number>:reviews   | list   | reviews of it (JSON)                              | 30 days after its merge |
| T:check:<number>:<head>   | hash   | check name -> check run (JSON)                    | while it is the head, 30 days after its merge |
| T:check:<number>:<head>:tries | hash | how often they were given, why put off, until when | a day, or until an outcome |
| T:checks:queued           | zset   | `<number>:<head>` -> ms queued                    | until run |
| T:checks:running          | hash   | `<number>:<head>` -> host id                      | until finished |
| T:rate:<kind>:<hash>      | string | microseconds when the requests taken by an address or principal would be due | until they are |
| T:forge:repositories      | hash   | `host/owner/repo` -> number of the repository on GitHub at first contact | town |
| T:forge:renamed           | hash   | `host/owner/repo` -> the other name that the conductor was told of | town |
| T:forge:merging:<base>    | string | token of who merges into that branch on GitHub    | a minute at most |
| P:quota:<resource>        | hash   | limit, remaining, used, reset (ms), seen_at; blocked_until, why, strikes; open_until, next_slot, slowed | an hour past its reset |
| P:quota:all               | hash   | blocked_until, why, strikes: the forge wants fewer requests | an hour past its end |
| P:quota:token             | hash   | blocked_until, why, strikes: the token was refused | an hour past its end |
| P:seen:<hash>             | hash   | etag, next, token (hash), body (JSON of what was read): an answer to a GET | a day, again with each "not modified" |
"""

from __future__ import annotations

import msgspec


class Keys(msgspec.Struct, frozen=True):
    """Builds the names of one town's keys."""

    prefix: str

    @classmethod
    def of(cls, town: str) -> Keys:
        """The keys of the town of that name."""
        return cls(f"tt:{town}")

    def __call__(self, *parts: str | int) -> str:
        """`keys("mission", mission_id, "work")` is `tt:<town>:mission:<mission_id>:work`."""
        return ":".join((self.prefix, *map(str, parts)))

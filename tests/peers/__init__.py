"""GitHub for the tests: emulate (which nobody here wrote) for the API, a bare repository for git.

How a test uses it::

    def test_x(github: GitHub, checkout: Git, octo: Actor, rev: Actor) -> None:
        number = octo.issue("Title", "text")                    # over HTTP, as the user octo
        checkout.run("push", "origin", "tt/1")                  # real git; seen by the next request
        pull = octo.pull("tt/1", body=f"Closes octo/town#{number}")
        octo.check(head, "failure", annotations=[…])            # octo as CI
        rev.review(pull, "REQUEST_CHANGES", on=[("a.py", 3, "why?")])
        github.samples.append(Sample("GET", "/repos/octo/town/pulls/1", refused(502, "bad"), times=2))

What is under test gets `github.url` as `[forge] api_url`, `octo/town`, the token `tok-octo` (GITHUB_TOKEN) and
`checkout`, whose origin is `github.bare`. Its requests are kept in `github.seen`, and each is compared with GitHub's
OpenAPI description; so is every answer that is not emulate's own. A difference fails the test at its end
(`github.faults`; a test that means one empties the list).

What emulate lacks, and a test sets:

====================================  ====================================================================
`github.samples`                      answers of the test's own: refused(), said(), CUT, Answer(wait_secs=…)
`github.issues.block`, `add_part`     blocked-by and sub-issue relations
`github.statuses.set`                 commit statuses
`github.rules`                        rulesets: required checks, reviews, merge queue; protection is emulate's
`github.gate.says[number]`            mergeable and mergeable_state of the next answers
`github.merging.closes_issues`        whether a merge closes the issues that it names
`github.threads.resolved, outdated`   by number of the first comment; a push that changes the line outdates by itself
`github.graphql.queue`                the pull requests in the merge queue; `github.merge_queued()` merges the first
`github.jobs.logs, steps, apps`       by name of the check; `reruns` is what was asked to run again
`github.quota.limits`                 "core", "search", "graphql"; a 304 is free
`github.tokens`                       which tokens are taken, with their scopes
`github.emulate.app_key`              the key of the App 12 (`APP_ID`), installed as 100 for octo
`github.renames.old`                  earlier names of the repository
====================================  ====================================================================

Where it still is not GitHub: diffs are empty (`/pulls/N/files`, `diff_hunk`), merges, updates of branches and closing
of issues are done when they are answered, `mergeable` is known at once, protected branches may be pushed to, private
repositories answer 401 and 403 instead of 404, everybody may write check runs, classic protection takes only `success`
for a required check, `delivery` ids are small numbers, and there is no `check_suite` or `status` delivery. GraphQL knows
what `graphql.py` lists, and checks names of fields, not types.
"""

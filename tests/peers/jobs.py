"""Check runs as jobs of GitHub Actions: their logs and their reruns, which emulate lacks."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from tests.peers.emulate import Emulate
from tests.peers.exchange import Answer, Request, refused, said

ACTIONS = {
    "id": 15368, "slug": "github-actions", "node_id": "MDM6QXBwMTUzNjg=", "client_id": "Iv1.05c79e9ad1f6bdfa",
    "owner": None, "name": "GitHub Actions", "description": "", "external_url": "https://docs.github.com/actions",
    "html_url": "https://github.com/apps/github-actions", "created_at": "2018-07-30T09:30:17Z",
    "updated_at": "2019-12-10T19:04:12Z", "permissions": {"checks": "write"}, "events": [],
}  # fmt: skip
"""The app whose check runs are jobs."""

_FAILED = {"failure", "cancelled", "timed_out"}


class Jobs:
    """A check run is the job of its number; a check suite is the workflow run of its number."""

    def __init__(self, emulate: Emulate, slug: str, url: str, logs_url: str) -> None:
        self._emulate = emulate
        self._root = f"/repos/{slug}"
        self._url = url
        self._logs_url = logs_url
        self.logs: dict[str, str] = {}
        """The job log by name of the check; without one GitHub answers 404."""
        self.steps: dict[str, list[dict[str, Any]]] = {}
        """The steps of the job by name of the check."""
        self.apps: dict[str, dict[str, Any] | None] = {}
        """The app of the check by name, where it is not Actions."""
        self.reruns: list[str] = []
        """What was asked to run again, in order, as the path behind the repository's."""
        self._attempts: Counter[int] = Counter()

    def answer(self, request: Request) -> Answer | None:
        if found := re.fullmatch(rf"{self._root}/actions/jobs/(\d+)(/logs)?", request.path):
            run = self._run(found[1]) if request.method == "GET" else None
            if run is None:
                return refused(404, "Not Found")
            return self._log(run) if found[2] else said(self._job(run))
        if found := re.fullmatch(rf"{self._root}/actions/runs/(\d+)/jobs", request.path):
            runs = self._runs_of(int(found[1]))
            return said({"total_count": len(runs), "jobs": [self._job(run) for run in runs]})
        again = re.fullmatch(
            rf"{self._root}/(actions/jobs/(\d+)/rerun|actions/runs/(\d+)/rerun(-failed-jobs)?)", request.path
        )
        if request.method == "POST" and again:
            return self._rerun(again[1], again[2], again[3], is_failed_only=bool(again[4]))
        return None

    def amend(self, request: Request, body: Any) -> Any:
        """Put the app into check runs, and annotations into a bare list."""
        if request.path.startswith(f"{self._root}/check-runs/") and request.path.endswith("/annotations"):
            return body["check_annotations"]
        if re.fullmatch(rf"{self._root}/(check-runs(/\d+)?|(commits|check-suites)/.+/check-runs)", request.path):
            if "check_runs" in body:
                return body | {"check_runs": [self._seen(run) for run in body["check_runs"]]}
            return self._seen(body)
        return body

    def log_answer(self, request: Request) -> Answer:
        """The other host that has the logs: it refuses a request that brings a token."""
        if "authorization" in request.headers:
            return Answer(400, b"<Error><Code>InvalidAuthenticationInfo</Code></Error>")
        run = self._run(request.path.rsplit("/", 1)[1])
        text = self.logs.get(run["name"], "") if run else ""
        return Answer(200, text.encode(), {"content-type": "text/plain; charset=utf-8"})

    def _log(self, run: dict[str, Any]) -> Answer:
        if run["name"] not in self.logs or run["status"] != "completed":
            return refused(404, "Not Found")
        return Answer(302, headers={"location": f"{self._logs_url}/logs/{run['id']}"})

    def _rerun(self, what: str, job: str | None, run: str | None, *, is_failed_only: bool) -> Answer:
        self.reruns.append(what)
        one = self._run(job) if job else None
        runs = [one] if one else self._runs_of(int(run)) if run else []
        if any(each["status"] != "completed" for each in runs):
            return refused(403, "This workflow is already running")
        if is_failed_only:
            runs = [each for each in runs if each["conclusion"] in _FAILED]
        if not runs:
            return refused(404, "Not Found")
        self._attempts[runs[0]["check_suite"]["id"]] += 1
        for each in runs:
            new = {"name": each["name"], "head_sha": each["head_sha"], "status": "queued"}
            self._emulate.call("POST", f"{self._root}/check-runs", new)
        return said({}, 201)

    def _run(self, number: str) -> dict[str, Any] | None:
        answer = self._emulate.ask("GET", f"{self._root}/check-runs/{number}")
        return self._seen(answer.json()) if answer.status == 200 else None

    def _runs_of(self, suite: int) -> list[dict[str, Any]]:
        answer = self._emulate.ask("GET", f"{self._root}/check-suites/{suite}/check-runs?filter=latest&per_page=100")
        runs = sorted(answer.json()["check_runs"], key=lambda run: int(run["id"])) if answer.status == 200 else []
        return [self._seen(run) for run in {run["name"]: run for run in runs}.values()]

    def _seen(self, run: dict[str, Any]) -> dict[str, Any]:
        output = run["output"] | {"annotations_url": f"{run['url']}/annotations"}
        more: dict[str, Any] = {"app": self.apps.get(run["name"], ACTIONS), "output": output}
        if more["app"] is ACTIONS:
            place = f"{self._url}{self._root.removeprefix('/repos')}/actions/runs/{run['check_suite']['id']}"
            more["html_url"] = more["details_url"] = f"{place}/job/{run['id']}"
        return run | more

    def _job(self, run: dict[str, Any]) -> dict[str, Any]:
        suite = run["check_suite"]["id"]
        kept = ("id", "node_id", "head_sha", "name", "html_url", "status", "conclusion", "started_at", "completed_at")
        return {name: run[name] for name in kept} | {
            "run_id": suite,
            "run_attempt": 1 + self._attempts[suite],
            "run_url": f"{self._url}{self._root}/actions/runs/{suite}",
            "url": f"{self._url}{self._root}/actions/jobs/{run['id']}",
            "check_run_url": run["url"],
            "created_at": run["started_at"] or "2030-01-01T00:00:00Z",
            "started_at": run["started_at"] or "2030-01-01T00:00:00Z",
            "labels": ["ubuntu-latest"],
            "steps": self.steps.get(run["name"], []),
            "runner_id": 1,
            "runner_name": "runner 1",
            "runner_group_id": 1,
            "runner_group_name": "Default",
            "workflow_name": "CI",
            "head_branch": None,
        }

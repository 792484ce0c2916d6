// emulate's GitHub, plus what the git server behind a forge does and emulate leaves out: it moves branches with the open
// pull requests that they are head or base of, and knows as what commit a pull request was merged.
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { Server } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [, , packages, baseUrl, given] = process.argv;
const dist = join(packages, "emulate", "dist");
const load = (name) => import(pathToFileURL(join(dist, name)));

// The chunk's name is fixed by the pinned version; with another version this fails at once.
const registry = readFileSync(join(dist, "chunk-IHI7H6SI.js"), "utf8");
const [, chunk] = registry.match(/import\("\.\/(dist-\w+\.js)"\);\s*return \{\s*plugin: mod\.githubPlugin/);
const { createEmulator } = await load("api.js");
const { githubPlugin, getGitHubStore } = await load(chunk); // the same module instance that createEmulator uses

const NOWHERE = "0".repeat(40);
const register = githubPlugin.register;

githubPlugin.register = (app, store, webhooks, base, tokens) => {
  const gh = getGitHubStore(store);
  const read = async (path) => (await app.request(path, { headers: { authorization: "Bearer tok-octo~git" } })).json();
  const plain = tokens.get.bind(tokens);
  tokens.get = (token) => plain(token) ?? plain(token.replace(/~\w+$/, "")); // the same user, with a quota of its own

  const moveRow = (rows, repo, key, name, sha) => {
    const row = rows.findBy("repo_id", repo.id).find((one) => one[key] === name);
    if (row && sha) rows.update(row.id, { sha });
    else if (row) rows.delete(row.id);
    else if (sha) rows.insert({ repo_id: repo.id, [key]: name, sha, node_id: "", protected: false });
  };

  const moveBranch = async (repo, branch, sha) => {
    const [owner, name] = repo.full_name.split("/");
    const before = gh.branches.findBy("repo_id", repo.id).find((one) => one.name === branch)?.sha ?? NOWHERE;
    moveRow(gh.branches, repo, "name", branch, sha);
    moveRow(gh.refs, repo, "ref", `refs/heads/${branch}`, sha);
    const repository = await read(`/repos/${repo.full_name}`);
    const pushed = { ref: `refs/heads/${branch}`, before, after: sha ?? NOWHERE, deleted: !sha, repository };
    webhooks.dispatch("push", undefined, { ...pushed, sender: repository.owner }, owner, name);
    for (const row of gh.pullRequests.findBy("repo_id", repo.id).filter((one) => one.state === "open" && sha)) {
      if (row.base_ref === branch) gh.pullRequests.update(row.id, { base_sha: sha });
      if (row.head_ref !== branch || row.head_sha === sha) continue;
      const said = { action: "synchronize", number: row.number, before: row.head_sha, after: sha };
      gh.pullRequests.update(row.id, { head_sha: sha });
      const pull = await read(`/repos/${repo.full_name}/pulls/${row.number}`);
      const seen = { ...said, pull_request: pull, repository, sender: pull.user };
      webhooks.dispatch("pull_request", "synchronize", seen, owner, name);
    }
  };

  app.post("/_git/moved", async (c) => {
    const { repository, branch, sha } = await c.req.json();
    await moveBranch(gh.repos.findOneBy("full_name", repository), branch, sha);
    return c.json({});
  });
  app.post("/_git/pull", async (c) => {
    const { repository, number, values } = await c.req.json();
    const repo = gh.repos.findOneBy("full_name", repository);
    gh.pullRequests.update(gh.pullRequests.findBy("repo_id", repo.id).find((one) => one.number === number).id, values);
    return c.json({});
  });
  app.post("/_git/reset", (c) => (emulator.reset(), c.json({})));
  register(app, store, webhooks, base, tokens);
};

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = privateKey.export({ type: "pkcs1", format: "pem" });
const seed = JSON.parse(given);
seed.github.apps.forEach((app) => (app.private_key = key));

// With a base URL emulate does not say its port: the server that node listens with does.
let port;
const listen = Server.prototype.listen;
Server.prototype.listen = function (...args) {
  this.once("listening", () => (port = this.address().port));
  return listen.apply(this, args);
};
const emulator = await createEmulator({ service: "github", port: 0, hostname: "127.0.0.1", seed, baseUrl });
console.log(JSON.stringify({ port, key }));
process.stdin.on("end", () => process.exit()).resume(); // with whoever started it, however that ends

// A controller of one's own: each Site gets a Deployment and a Service, and says how many of its pods are ready. It is a client of the API, as kubectl is, and runs
// anywhere; all it needs is Node and a kubeconfig.
import { execFileSync } from "node:child_process";
import { Agent, request } from "node:https";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const RETRY_MS = 1_000;
const MANAGER = "site-controller";
const SITES = "/apis/example.com/v1";

const config = JSON.parse(execFileSync("kubectl", ["config", "view", "--raw", "--minify", "-o", "json"], { encoding: "utf8" }));
const decoded = (fields, name) => Buffer.from(fields[`${name}-data`], "base64");
const [{ cluster }] = config.clusters;
const [{ user }] = config.users;
const agent = new Agent({
  keepAlive: true,
  ca: decoded(cluster, "certificate-authority"),
  cert: decoded(user, "client-certificate"),
  key: decoded(user, "client-key"),
});

/** The answer as it begins; `type` is what the body is. */
function ask(method, path, body, type = "application/json") {
  return new Promise((resolve, reject) => {
    const asked = request(`${cluster.server}${path}`, { method, agent, headers: { "content-type": type } }, resolve);
    asked.on("error", reject);
    asked.end(body && JSON.stringify(body));
  });
}

async function call(...asked) {
  const answer = await ask(...asked);
  const object = JSON.parse((await answer.toArray()).join(""));
  if (answer.statusCode >= 400) throw new Error(object.message);
  return object;
}

/** Keeps `objects` as the API has them, and says which have changed: a list, then a watch from there on. Begins anew when the watch ends. */
async function follow(path, objects, changed) {
  for (; ; await sleep(RETRY_MS)) {
    try {
      const { metadata, items } = await call("GET", path);
      const gone = new Set(objects.keys());
      for (const item of items) gone.delete(set(item));
      for (const key of gone) remove(key);
      const answer = await ask("GET", `${path}?watch=true&resourceVersion=${metadata.resourceVersion}`);
      for await (const line of createInterface({ input: answer })) {
        const { type, object } = JSON.parse(line);
        if (type === "ERROR") break;
        if (type === "DELETED") remove(keyOf(object));
        else set(object);
      }
    } catch (error) {
      console.error(`${path}: ${error.message}`);
    }
  }
  function set(object) {
    const key = keyOf(object);
    objects.set(key, object);
    changed(key);
    return key;
  }
  function remove(key) {
    objects.delete(key);
    changed(key);
  }
}

const keyOf = ({ metadata: { namespace, name } }) => `${namespace}/${name}`;

/** What a Site wants there to be. Who applies it twice changes nothing. */
function wanted({ metadata: { namespace, name, uid }, spec: { image, replicas } }) {
  const labels = { site: name };
  const ownerReferences = [{ apiVersion: "example.com/v1", kind: "Site", name, uid, controller: true, blockOwnerDeletion: true }];
  const metadata = { namespace, name, labels, ownerReferences };
  const template = { metadata: { labels }, spec: { containers: [{ name: "site", image }] } };
  return {
    deployment: { apiVersion: "apps/v1", kind: "Deployment", metadata, spec: { replicas, selector: { matchLabels: labels }, template } },
    service: { apiVersion: "v1", kind: "Service", metadata, spec: { selector: labels, ports: [{ port: 80 }] } },
  };
}

/** Brings what there is to what a Site wants, whatever has happened since the last time. What belongs to a Site that is gone, the garbage collector removes. */
async function reconcile(key) {
  const site = sites.get(key);
  if (site === undefined || site.metadata.deletionTimestamp !== undefined) return;
  const { namespace, name } = site.metadata;
  const { deployment, service } = wanted(site);
  const how = `?fieldManager=${MANAGER}&force=true`;
  const applied = "application/apply-patch+yaml";
  await call("PATCH", `/apis/apps/v1/namespaces/${namespace}/deployments/${name}${how}`, deployment, applied);
  await call("PATCH", `/api/v1/namespaces/${namespace}/services/${name}${how}`, service, applied);
  const readyReplicas = deployments.get(key)?.status?.readyReplicas ?? 0;
  if (site.status?.readyReplicas === readyReplicas) return;
  const status = { status: { readyReplicas } };
  await call("PATCH", `${SITES}/namespaces/${namespace}/sites/${name}/status`, status, "application/merge-patch+json");
}

const sites = new Map();
const deployments = new Map();
/** Keys to look at, each once however often it changed. */
const queue = new Set();
let wake = () => {};
const enqueue = (key) => {
  queue.add(key);
  wake();
};

follow(`${SITES}/sites`, sites, enqueue);
// A Deployment of a Site has its name.
follow("/apis/apps/v1/deployments", deployments, (key) => sites.has(key) && enqueue(key));
for (;;) {
  const [key] = queue;
  if (key === undefined) {
    await new Promise((resolve) => {
      wake = resolve;
    });
    continue;
  }
  queue.delete(key);
  await reconcile(key).catch((error) => {
    console.error(`${key}: ${error.message}`);
    setTimeout(enqueue, RETRY_MS, key);
  });
}

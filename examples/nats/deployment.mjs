// Makes a Deployment and follows its pods until they run: node examples/nats/deployment.mjs nats://127.0.0.1:PORT me.creds
import { readFileSync } from "node:fs";
import { Troupe, TroupeError } from "troupe/client";

const [servers, credentials] = process.argv.slice(2);
const troupe = await Troupe.connect({ servers, credentials: readFileSync(credentials, "utf8") });
const deployments = troupe.resource("deployments.apps").in("default");
const labels = { app: "by-nats" };
const spec = {
  replicas: 3,
  selector: { matchLabels: labels },
  template: { metadata: { labels }, spec: { containers: [{ name: "main", image: "nginx" }] } },
};

const pods = troupe.resource("pods").in("default");
const { resourceVersion: since } = await pods.list();
await deployments.apply(
  { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "by-nats" }, spec },
  { fieldManager: "example", force: true },
);
try {
  await deployments.apply(
    { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "by-nats" }, spec: { ...spec, replicas: -1 } },
    { fieldManager: "example" },
  );
} catch (error) {
  if (!(error instanceof TroupeError)) throw error;
  console.log(`refused: ${error.code} ${error.reason}: ${error.message}`);
}
const running = new Set();
for await (const { type, object } of pods.watch({ since })) {
  if (object.metadata.labels?.app !== labels.app) continue;
  console.log(type, object.metadata.name, object.status?.phase);
  if (object.status?.phase === "Running") running.add(object.metadata.name);
  if (running.size === spec.replicas) break;
}
await deployments.delete("by-nats");
await troupe.close();

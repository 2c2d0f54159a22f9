/** Calls the pod a master if it is the first of its set, by the API and with the pod's own token. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { env, exit } from "node:process";
import { text } from "node:stream/consumers";

const account = env.TROUPE_PATH_VAR_RUN_SECRETS_KUBERNETES_IO_SERVICEACCOUNT ?? "/var/run/secrets/kubernetes.io/serviceaccount";
const read = (name) => readFileSync(`${account}/${name}`, "utf8");
if (!env.POD_NAME.endsWith("-0")) exit();

const asked = request({
  host: env.KUBERNETES_SERVICE_HOST,
  port: env.KUBERNETES_SERVICE_PORT,
  ca: read("ca.crt"),
  method: "PATCH",
  path: `/api/v1/namespaces/${read("namespace")}/pods/${env.POD_NAME}`,
  headers: { authorization: `Bearer ${read("token")}`, "content-type": "application/merge-patch+json" },
});
asked.end(JSON.stringify({ metadata: { labels: { role: "master" } } }));
asked.once("response", async (answer) => {
  if (answer.statusCode !== 200) throw new Error(await text(answer));
  exit();
});

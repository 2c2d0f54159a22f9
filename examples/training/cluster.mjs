/** What the programs of a training job have in common: they find one another through the API, with the token of their own pod. */
import { readFileSync } from "node:fs";
import { createServer, request as http } from "node:http";
import { request as https } from "node:https";
import { setTimeout as delay } from "node:timers/promises";

/** Where processes have no file system of their own, a variable says where their token is. */
const ACCOUNT = process.env.TROUPE_PATH_VAR_RUN_SECRETS_KUBERNETES_IO_SERVICEACCOUNT ?? "/var/run/secrets/kubernetes.io/serviceaccount";
const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT, POD_NAME, POD_IP } = process.env;
const PORT = 7164;
/** How long somebody else is waited for before the pod gives up, and its Job decides. */
const PATIENCE_MS = 60_000;
const POLL_MS = 200;

export const pod = POD_NAME;
export const index = Number(process.env.JOB_COMPLETION_INDEX ?? 0);

/** How many weights there are, the bias among them, and which of them a parameter server keeps. */
export const WEIGHTS = 21;
export const slice = (server, servers) => [Math.floor((WEIGHTS * server) / servers), Math.floor((WEIGHTS * (server + 1)) / servers)];

/** A list or an object of this namespace: `pods?labelSelector=role%3Dmaster`. */
export async function api(path, group = "api/v1") {
  const namespace = readFileSync(`${ACCOUNT}/namespace`, "utf8");
  return exchange(
    https,
    `https://${KUBERNETES_SERVICE_HOST}:${KUBERNETES_SERVICE_PORT}/${group}/namespaces/${namespace}/${path}`,
    undefined,
    {
      ca: readFileSync(`${ACCOUNT}/ca.crt`),
      headers: { authorization: `Bearer ${readFileSync(`${ACCOUNT}/token`, "utf8")}` },
    },
  );
}

/** The pods of this training that play a role, in the order of their index: those that run, or are in one of these phases. */
export async function running(role, phases = ["Running"]) {
  const { items } = await api(`pods?labelSelector=${encodeURIComponent(`app=training,role=${role}`)}`);
  const indexOf = ({ metadata }) => Number(metadata.annotations?.["batch.kubernetes.io/job-completion-index"] ?? 0);
  return items
    .filter(({ metadata, status }) => phases.includes(status.phase) && metadata.deletionTimestamp === undefined)
    .sort((a, b) => indexOf(a) - indexOf(b))
    .map(({ metadata, status }) => ({ name: metadata.name, url: `http://${status.podIP}:${PORT}` }));
}

/** All parameter servers, once they answer. */
export function parameterServers() {
  const wanted = Number(process.env.SERVERS);
  return patiently("the parameter servers", async () => {
    const found = await running("pserver");
    if (found.length !== wanted) throw new Error(`${found.length} of ${wanted} run`);
    await Promise.all(found.map(({ url }) => ask(`${url}/pull`, {})));
    return found;
  });
}

export const ask = (url, body) => exchange(http, url, body);

/** Tries until it is there. */
export async function patiently(what, attempt) {
  const end_ms = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end_ms) throw new Error(`${what}: ${error.message}`, { cause: error });
      await delay(POLL_MS);
    }
  }
}

/** Answers POST /name with what the function of that name returns for the body. */
export function serve(functions) {
  const server = createServer(async (request, response) => {
    try {
      const answer = await functions[request.url.slice(1)](JSON.parse(await textOf(request)));
      response.end(JSON.stringify(answer ?? {}));
    } catch (error) {
      response.writeHead(500).end(JSON.stringify({ message: error.message }));
    }
  });
  server.listen(PORT, POD_IP);
  return server;
}

function exchange(request, url, body, options = {}) {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: body === undefined ? "GET" : "POST", ...options }, async (response) => {
      try {
        const text = await textOf(response);
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${url}: ${response.statusCode} ${text}`));
      } catch (error) {
        reject(error);
      }
    });
    asked.on("error", reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function textOf(stream) {
  let text = "";
  for await (const chunk of stream) text += chunk;
  return text;
}

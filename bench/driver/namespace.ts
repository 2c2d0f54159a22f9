import { setTimeout as delay } from "node:timers/promises";
import { BenchFailure } from "../failure.ts";
import { type ApiClient, messageOf } from "./api-client.ts";

/** Where a controller makes service accounts, the namespace's own comes a moment after it; elsewhere it never does. */
const SERVICE_ACCOUNT_WAIT_MS = 2000;
const POLL_MS = 50;

/** Makes sure that a namespace is there and ready for pods. Gives whether it was made. Throws BenchFailure. */
export async function makeNamespace(client: ApiClient, name: string): Promise<boolean> {
  const path = `/api/v1/namespaces/${name}`;
  const { status, body } = await client.send({ method: "GET", path }, true).catch((error: Error) => {
    throw new BenchFailure(`cannot reach the API server: ${error.message}; is the cluster of the kubeconfig up?`);
  });
  if (status === 200) return false;
  if (status !== 404) throw new BenchFailure(`GET ${path} was answered ${status}: ${messageOf(body)}`);
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  await client.call({ method: "POST", path: "/api/v1/namespaces", body: JSON.stringify(namespace) });
  const deadline_ms = performance.now() + SERVICE_ACCOUNT_WAIT_MS;
  while (performance.now() < deadline_ms) {
    const answer = await client.send({ method: "GET", path: `${path}/serviceaccounts/default` });
    if (answer.status === 200) break;
    await delay(POLL_MS);
  }
  return true;
}

// A provisioner of volumes, as a pod: it makes a directory for each claim on its class, and removes it when the claim is gone. Who binds is the cluster.
import { once } from "node:events";
import { mkdir, readFile, rm } from "node:fs/promises";
import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

const NAME = "example.com/directories";
const MADE_BY = "pv.kubernetes.io/provisioned-by";
const { ROOT, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
const account = process.env.TROUPE_PATH_VAR_RUN_SECRETS_KUBERNETES_IO_SERVICEACCOUNT ?? "/var/run/secrets/kubernetes.io/serviceaccount";

/** Asks the API with the pod's own token, read anew each time because it is renewed. */
async function call(method, path, body) {
  const [token, ca] = await Promise.all(["token", "ca.crt"].map((file) => readFile(`${account}/${file}`, "utf8")));
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const asked = request({ host, port, ca, method, path: `/api/v1/${path}`, headers });
  asked.end(body && JSON.stringify(body));
  const [answer] = await once(asked, "response");
  const text = (await answer.toArray()).join("");
  // 409: it was made in the round before.
  if (answer.statusCode >= 400 && answer.statusCode !== 409) throw new Error(text);
  return JSON.parse(text);
}

async function provision({ metadata: { name, namespace, uid }, spec: { accessModes, resources, storageClassName } }) {
  const path = `${ROOT}/pvc-${uid}`;
  await mkdir(path, { recursive: true });
  const claimRef = { kind: "PersistentVolumeClaim", apiVersion: "v1", name, namespace, uid };
  const spec = {
    accessModes,
    storageClassName,
    capacity: resources.requests,
    claimRef,
    hostPath: { path },
    persistentVolumeReclaimPolicy: "Delete",
  };
  await call("POST", "persistentvolumes", { metadata: { name: `pvc-${uid}`, annotations: { [MADE_BY]: NAME } }, spec });
}

for (; ; await sleep(1_000)) {
  const [claims, volumes] = await Promise.all([call("GET", "persistentvolumeclaims"), call("GET", "persistentvolumes")]);
  const waiting = claims.items.filter(({ spec }) => !spec.volumeName);
  for (const claim of waiting)
    if (claim.metadata.annotations?.["volume.kubernetes.io/storage-provisioner"] === NAME) await provision(claim);
  for (const { metadata, status } of volumes.items.filter(({ metadata }) => metadata.annotations?.[MADE_BY] === NAME)) {
    if (status?.phase !== "Released") continue;
    await rm(`${ROOT}/${metadata.name}`, { recursive: true, force: true });
    await call("DELETE", `persistentvolumes/${metadata.name}`);
  }
}

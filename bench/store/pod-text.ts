import type { ObjectText } from "../../actors/kinds/text.ts";

/** What a pod of Kubernetes has in the store: about that of a Deployment's with one container. */
export const OBJECT_BYTES = 1_200;

/** The stored text of a pod as a Deployment makes it, filled up to OBJECT_BYTES. Flat, as what comes from a decoded request is. */
export function podText(name: string, uid: string, labels = '"app":"web"'): ObjectText {
  const head = `"name":"${name}","namespace":"default","uid":"${uid}","creationTimestamp":"2026-01-01T00:00:00Z","labels":{${labels}}}`;
  const container = `{"name":"web","image":"nginx:1.27","resources":{"requests":{"cpu":"100m","memory":"128Mi"}},"imagePullPolicy":"IfNotPresent"}`;
  const rest = `,"spec":{"restartPolicy":"Always","dnsPolicy":"ClusterFirst","schedulerName":"default-scheduler","containers":[${container}]},"x":"`;
  const filling = "f:spec,f:containers,".repeat(100).slice(0, OBJECT_BYTES - head.length - rest.length - 2);
  return Buffer.from(`${head}${rest}${filling}"}`).toString("latin1") as ObjectText;
}

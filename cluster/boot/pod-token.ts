import { keyFor, type Pod, type View } from "../../actors/mod.ts";
import { VolumeFailure } from "../../actors/node/pod-volumes.ts";
import type { Access } from "../access/access.ts";

const ACCOUNTS = { group: "", plural: "serviceaccounts" } as const;
const NODES = { group: "", plural: "nodes" } as const;

/** A token of the service account that the pod runs as, which dies with the pod. Throws VolumeFailure. */
export async function podToken(view: View, access: Access, pod: Pod, audience: string | undefined, seconds: number): Promise<string> {
  const { namespace = "", name, uid } = pod.metadata;
  const { serviceAccountName = "default", nodeName = "" } = pod.spec;
  const account = view.get(keyFor(ACCOUNTS, namespace, serviceAccountName));
  if (account === undefined)
    throw new VolumeFailure(`failed to fetch token: serviceaccounts ${JSON.stringify(serviceAccountName)} not found`);
  const node = { name: nodeName, uid: view.get(keyFor(NODES, undefined, nodeName))?.metadata.uid ?? "" };
  const content = { namespace, serviceAccount: { name: serviceAccountName, uid: account.metadata.uid }, pod: { name, uid }, node };
  const { token } = await access.issuer.issue(content, audience === undefined ? access.audiences : [audience], seconds);
  return token;
}

import type { Kubectl } from "../kubectl.ts";

/** The token of a service account that may do everything. */
export async function administratorToken(kubectl: Kubectl): Promise<string> {
  await kubectl.ok(["create", "serviceaccount", "operator"]);
  await kubectl.ok(["create", "clusterrolebinding", "operator", "--clusterrole=cluster-admin", "--serviceaccount=default:operator"]);
  return (await kubectl.ok(["create", "token", "operator"])).trim();
}

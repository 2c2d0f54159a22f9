/** Tokens for service accounts, made when they are asked for. Source: pkg/registry/core/serviceaccount/storage/token.go of Kubernetes 1.34. */
import { badRequest, conflict, invalid as invalidObject, notFound } from "../../../actors/kinds/errors.ts";
import { invalid } from "../../../actors/kinds/field-error.ts";
import type { BoundObjectReference, Pod, TokenRequest } from "../../../actors/kinds/generated/types.ts";
import type { Kind } from "../../../actors/kinds/kind.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { timestamp } from "../../../actors/registry/timestamps.ts";
import type { View } from "../../../actors/store/view.ts";
import type { Access } from "../access.ts";
import { admitTokenRequest } from "../admission/node-restriction.ts";
import type { TokenContent } from "../authentication/service-account-tokens.ts";
import type { Identity } from "../identity.ts";
import { nodeOf } from "../identity.ts";

/** Source: ValidateTokenRequest. */
const SECONDS_MIN = 600;
const SECONDS_MAX: number = 2 ** 32;
const SECONDS_DEFAULT = 3_600;

const KIND = { group: "authentication.k8s.io", kind: "TokenRequest" };

type Bound = Pick<TokenContent, "pod" | "secret" | "node">;

/** `accounts` is the kind ServiceAccount, for its name in refusals; the view must show what was committed before. */
export async function requestToken(
  access: Access,
  view: View,
  accounts: Kind,
  namespace: string,
  name: string,
  asker: Identity,
  request: TokenRequest,
  now_ms: number,
): Promise<TokenRequest> {
  checkNames(request, namespace, name);
  const account = view.get(`serviceaccounts/${namespace}/${name}`);
  if (account === undefined) throw notFound(accounts, name);
  const { spec } = request;
  const audiences = spec.audiences === undefined || spec.audiences.length === 0 ? access.audiences : spec.audiences;
  const seconds = spec.expirationSeconds ?? SECONDS_DEFAULT;
  const field = "spec.expirationSeconds";
  const errors = [
    ...(seconds < SECONDS_MIN ? [invalid(field, seconds, "may not specify a duration less than 10 minutes")] : []),
    ...(seconds > SECONDS_MAX ? [invalid(field, seconds, "may not specify a duration larger than 2^32 seconds")] : []),
  ];
  if (errors.length > 0) throw invalidObject(KIND, "", errors);
  const node = nodeOf(asker);
  if (node !== undefined) admitTokenRequest(accounts, namespace, name, request, node, view);
  const bound = spec.boundObjectRef ? boundTo(view, namespace, name, spec.boundObjectRef) : {};
  const { uid } = account.metadata;
  const { token, expires_ms } = await access.issuer.issue({ namespace, serviceAccount: { name, uid }, ...bound }, audiences, seconds);
  return {
    ...request,
    metadata: { ...request.metadata, name, namespace, uid, creationTimestamp: timestamp(now_ms) },
    // Kubernetes prints this reference though there is none.
    spec: {
      ...spec,
      audiences: [...audiences],
      expirationSeconds: seconds,
      boundObjectRef: (spec.boundObjectRef ?? null) as BoundObjectReference,
    },
    status: { token, expirationTimestamp: timestamp(expires_ms) },
  };
}

function checkNames({ metadata }: TokenRequest, namespace: string, name: string): void {
  const errors = [
    ...(metadata.name && metadata.name !== name
      ? [invalid("metadata.name", metadata.name, "must match the service account name if specified")]
      : []),
    ...(metadata.namespace && metadata.namespace !== namespace
      ? [invalid("metadata.namespace", metadata.namespace, "must match the service account namespace if specified")]
      : []),
  ];
  if (errors.length > 0) throw invalidObject(KIND, name, errors);
}

/** What the token dies with, as it is now. */
function boundTo(view: View, namespace: string, account: string, ref: BoundObjectReference): Bound {
  const { apiVersion = "", kind = "", name = "" } = ref;
  const find = <T extends KubeObject>(plural: string, key: string): T => {
    const found = view.get<T>(key);
    if (found === undefined) throw notFound({ group: "", plural }, name);
    return found;
  };
  const what = apiVersion === "v1" ? kind : "";
  switch (what) {
    case "Pod": {
      const pod = find<Pod>("pods", `pods/${namespace}/${name}`);
      const own = pod.spec.serviceAccountName ?? "";
      if (own !== account)
        throw badRequest(`cannot bind token for serviceaccount "${account}" to pod running with serviceaccount "${own}"`);
      checkUid(ref, pod);
      return { pod: { name, uid: pod.metadata.uid }, ...nodeOfPod(view, pod) };
    }
    case "Secret": {
      const secret = find("secrets", `secrets/${namespace}/${name}`);
      checkUid(ref, secret);
      return { secret: { name, uid: secret.metadata.uid } };
    }
    case "Node": {
      const node = find("nodes", `nodes/${name}`);
      checkUid(ref, node);
      return { node: { name, uid: node.metadata.uid } };
    }
    default: {
      const slash = apiVersion.indexOf("/");
      const group = slash < 0 ? "" : apiVersion.slice(0, slash);
      throw badRequest(`cannot bind token to object of type ${group}/${apiVersion.slice(slash + 1)}, Kind=${kind}`);
    }
  }
}

/** A pod's node is told in its token as well, with its uid where the node is there. */
function nodeOfPod(view: View, pod: Pod): Bound {
  const name = pod.spec.nodeName;
  if (!name) return {};
  return { node: { name, uid: view.get(`nodes/${name}`)?.metadata.uid ?? "" } };
}

function checkUid({ kind = "", name = "", uid }: BoundObjectReference, found: KubeObject): void {
  if (!uid || uid === found.metadata.uid) return;
  const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
  throw conflict({ group: "", plural: kind }, name, why);
}

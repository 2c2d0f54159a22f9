import { createHmac } from "node:crypto";
import { ConfigMapKind } from "../../kinds/core/config-map.ts";
import type { ConfigMap } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { anyKind, modify } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { type BootstrapToken, bootstrapTokens, isWellNamed, mayBeBootstrapToken, SECRETS } from "./bootstrap-token.ts";

const CONFIG_MAPS = "configmaps";
const CLUSTER_INFO = `${CONFIG_MAPS}/kube-public/cluster-info`;
const KUBECONFIG = "kubeconfig";
const SIGNATURE_PREFIX = "jws-kubeconfig-";

/**
 * Signs the cluster's description, where somebody has published one, with every token that new nodes may have: who has such a token can tell that
 * the description comes from one who has it too. Source: pkg/controller/bootstrap/bootstrapsigner.go and
 * https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/#configmap-signing
 */
export const bootstrapSigner: Controller = {
  name: "bootstrap-signer",
  component: "bootstrap-signer",
  author: controllerAccount("bootstrap-signer"),
  kind: anyKind(ConfigMapKind),
  watches: [
    { resource: CONFIG_MAPS, keys: ({ now }) => (now?.key === CLUSTER_INFO ? [CLUSTER_INFO] : NO_KEYS) },
    { resource: SECRETS, keys: ({ now, before }) => (mayBeBootstrapToken((now ?? before)?.key ?? "") ? [CLUSTER_INFO] : NO_KEYS) },
  ],
  reconcile,
};

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const info = view.get<ConfigMap>(key);
  const content = info?.data?.[KUBECONFIG];
  if (info === undefined || content === undefined) return NOTHING;
  const tokens = bootstrapTokens(view).filter((token) => isWellNamed(token) && token.signs && token.expires_ms > now_ms);
  const signed = (current: ConfigMap): Record<string, string> => ({
    ...Object.fromEntries(Object.entries(current.data ?? {}).filter(([name]) => !name.startsWith(SIGNATURE_PREFIX))),
    ...Object.fromEntries(tokens.map((token) => [`${SIGNATURE_PREFIX}${token.id}`, signatureOf(content, token)])),
  });
  const until_ms = Math.min(...tokens.map(({ expires_ms }) => expires_ms));
  const later: readonly Action[] = until_ms === Number.POSITIVE_INFINITY ? NOTHING : [{ do: "requeue", after_ms: until_ms - now_ms }];
  if (semanticEqual(info.data, signed(info))) return later;
  return [modify(ConfigMapKind, info, (current) => ({ ...current, data: signed(current) })), ...later];
}

/** A JSON web signature without what it signs: `header..signature`. */
function signatureOf(content: string, { id, value }: BootstrapToken): string {
  const header = base64url(JSON.stringify({ alg: "HS256", kid: id }));
  const signature = createHmac("sha256", value)
    .update(`${header}.${base64url(content)}`)
    .digest("base64url");
  return `${header}..${signature}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

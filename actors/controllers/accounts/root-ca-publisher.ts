import { ConfigMapKind } from "../../kinds/core/config-map.ts";
import { NamespaceKind } from "../../kinds/core/namespace.ts";
import type { ConfigMap, Namespace } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { Change, View } from "../../store/view.ts";
import { anyKind, create, modify, newMeta } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";

const CONFIG_MAPS = "configmaps";
const ROOT_CA = "kube-root-ca.crt";
const ABOUT = "kubernetes.io/description";
const DESCRIPTION = {
  [ABOUT]:
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
};

/** Every namespace has the cluster's CA certificate in a ConfigMap. Source: pkg/controller/certificates/rootcacertpublisher. */
export function rootCaPublisher(caCertificate: string): Controller {
  return {
    name: "root-ca-publisher",
    component: "root-ca-certificate-publisher",
    author: controllerAccount("root-ca-cert-publisher"),
    kind: anyKind(NamespaceKind),
    watches: [
      { resource: "namespaces", keys: ({ now, before }) => (now === undefined || before !== undefined ? NO_KEYS : [now.key]) },
      { resource: CONFIG_MAPS, keys: keysOfConfigMap },
    ],
    reconcile: (view, key) => reconcile(caCertificate, view, key),
  };
}

function keysOfConfigMap({ now, before }: Change): readonly string[] {
  const key = (now ?? before)?.key;
  // Its creation is our own doing, or the namespace's, which is looked at anyway.
  if (key === undefined || before === undefined || !key.endsWith(`/${ROOT_CA}`)) return NO_KEYS;
  return [`namespaces/${partsOf(key).namespace}`];
}

function reconcile(caCertificate: string, view: View, key: string): readonly Action[] {
  const namespace = view.get<Namespace>(key);
  if (namespace === undefined || namespace.status?.phase === "Terminating") return NOTHING;
  const { name } = namespace.metadata;
  const data = { "ca.crt": caCertificate };
  const current = view.get<ConfigMap>(`${CONFIG_MAPS}/${name}/${ROOT_CA}`);
  if (current === undefined)
    return [create(ConfigMapKind, { metadata: newMeta({ name: ROOT_CA, namespace: name, annotations: DESCRIPTION }), data })];
  if (semanticEqual(current.data, data) && current.metadata.annotations?.[ABOUT]) return NOTHING;
  const annotate = (was: ConfigMap): ConfigMap["metadata"] => ({
    ...was.metadata,
    annotations: { ...was.metadata.annotations, ...DESCRIPTION },
  });
  return [modify(ConfigMapKind, current, (was) => ({ ...was, metadata: annotate(was), data }))];
}

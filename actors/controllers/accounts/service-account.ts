import { NamespaceKind } from "../../kinds/core/namespace.ts";
import { ServiceAccountKind } from "../../kinds/core/service-account.ts";
import type { Namespace } from "../../kinds/generated/types.ts";
import { partsOf } from "../../kinds/kind.ts";
import type { Change, View } from "../../store/view.ts";
import { anyKind, create, newMeta } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";

const SERVICE_ACCOUNTS = "serviceaccounts";
const DEFAULT = "default";

/** Every namespace has a ServiceAccount `default`. Source: pkg/controller/serviceaccount. */
export const serviceAccountController: Controller = {
  name: "service-account",
  component: "service-account-controller",
  kind: anyKind(NamespaceKind),
  watches: [
    { resource: "namespaces", keys: ({ now, before }) => (now === undefined || before !== undefined ? NO_KEYS : [now.key]) },
    { resource: SERVICE_ACCOUNTS, keys: keysOfAccount },
  ],
  reconcile,
};

function keysOfAccount({ now, before }: Change): readonly string[] {
  if (now !== undefined || before === undefined) return NO_KEYS;
  const { namespace, name } = partsOf(before.key);
  return name === DEFAULT ? [`namespaces/${namespace}`] : NO_KEYS;
}

function reconcile(view: View, key: string): readonly Action[] {
  const namespace = view.get<Namespace>(key);
  if (namespace === undefined || namespace.status?.phase === "Terminating") return NOTHING;
  const { name } = namespace.metadata;
  if (view.entry(`${SERVICE_ACCOUNTS}/${name}/${DEFAULT}`) !== undefined) return NOTHING;
  return [create(ServiceAccountKind, { metadata: newMeta({ name: DEFAULT, namespace: name }) })];
}

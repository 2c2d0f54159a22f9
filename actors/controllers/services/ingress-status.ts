import type { Ingress, IngressClass } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import { IngressKind } from "../../kinds/networking/ingress.ts";
import { isServed } from "../../node/ingress/ingress-rules.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { anyKind, updateStatus } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";

const INGRESSES = "ingresses.networking.k8s.io";
const CLASSES = "ingressclasses.networking.k8s.io";

/**
 * Says of the ingresses that are served here where they are reached. `address` is that of the ingress; undefined: there is none, and others say it
 * of theirs.
 */
export function ingressStatusController(address: string | undefined): Controller {
  return {
    name: "ingress-status",
    component: "ingress-controller",
    author: controllerAccount("ingress-controller"),
    kind: anyKind(IngressKind),
    watches: [
      { resource: INGRESSES, keys: ({ now }) => (now === undefined || address === undefined ? NO_KEYS : [now.key]) },
      { resource: CLASSES, keys: (_change, view) => (address === undefined ? NO_KEYS : view.list(INGRESSES).map(({ key }) => key)) },
    ],
    reconcile: (view, key) => (address === undefined ? NOTHING : reconcile(address, view, key)),
  };
}

function reconcile(address: string, view: View, key: string): readonly Action[] {
  const ingress = view.get<Ingress>(key);
  if (ingress === undefined || ingress.metadata.deletionTimestamp !== undefined) return NOTHING;
  const said = ingress.status?.loadBalancer?.ingress ?? [];
  if (isServed(ingress, (name) => view.get<IngressClass>(`${CLASSES}/${name}`))) {
    const wanted = [{ ip: address }];
    return semanticEqual(said, wanted)
      ? NOTHING
      : [updateStatus(IngressKind, ingress, { ...ingress.status, loadBalancer: { ingress: wanted } })];
  }
  // Of another class by now: whoever serves that says where.
  return said.some(({ ip }) => ip === address) ? [updateStatus(IngressKind, ingress, { ...ingress.status, loadBalancer: {} })] : NOTHING;
}

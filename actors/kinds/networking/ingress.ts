import { defineKind, statusApart } from "../define-kind.ts";
import type { Ingress } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import { AGE_COLUMN, ageOf, column, firstFew, NAME_COLUMN, NONE } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { INGRESS_CLASS_ANNOTATION, validateIngress, validateIngressStatus } from "./ingress-validation.ts";

const HOSTS_SHOWN_MAX = 3;

function classOf({ metadata, spec }: Ingress): string {
  return spec?.ingressClassName ?? metadata.annotations?.[INGRESS_CLASS_ANNOTATION] ?? NONE;
}

function hostsOf({ spec }: Ingress): string {
  const hosts = (spec?.rules ?? []).flatMap(({ host }) => (host ? [host] : []));
  return hosts.length === 0 ? "*" : firstFew(hosts, HOSTS_SHOWN_MAX);
}

function addressesOf({ status }: Ingress): string {
  return (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "").join(",");
}

export const IngressKind: Kind<Ingress> = defineKind<Ingress>({
  group: "networking.k8s.io",
  kind: "Ingress",
  plural: "ingresses",
  shortNames: ["ing"],
  namespaced: true,
  subresources: [STATUS],
  tracksGeneration: true,
  ...statusApart<Ingress>(() => ({ loadBalancer: {} })),
  nameRule: dnsSubdomain,
  validate: validateIngress,
  validateStatus: validateIngressStatus,
  warnings: ({ metadata, spec }, current) => {
    const old = metadata.annotations?.[INGRESS_CLASS_ANNOTATION] !== undefined && spec?.ingressClassName === undefined;
    return old && current === undefined
      ? [`annotation "${INGRESS_CLASS_ANNOTATION}" is deprecated, please use 'spec.ingressClassName' instead`]
      : [];
  },
  columns: [
    NAME_COLUMN,
    column("Class", "Who serves it"),
    column("Hosts", "The names that it answers to"),
    column("Address", "Where it is reached"),
    column("Ports", "The ports that it listens on"),
    AGE_COLUMN,
  ],
  cells: (ingress, now_ms) => [
    ingress.metadata.name,
    classOf(ingress),
    hostsOf(ingress),
    addressesOf(ingress),
    (ingress.spec?.tls ?? []).length > 0 ? "80, 443" : "80",
    ageOf(ingress, now_ms),
  ],
});

/**
 * Writes `default-roles.json` from what a new Kubernetes cluster has: `node cluster/access/authorization/write-default-roles.ts FILE`, FILE an object
 * of lists `clusterroles`, `clusterrolebindings`, `roles` and `rolebindings`. Run by hand when the release of Kubernetes changes. What all of them have
 * (the label and the annotation of defaults, API groups of references) is left out; `default-roles.ts` says it again.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface Read {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly rules?: readonly object[] | null;
  readonly aggregationRule?: { readonly clusterRoleSelectors: readonly { readonly matchLabels: Readonly<Record<string, string>> }[] };
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly kind: string; readonly name: string; readonly namespace?: string }[];
}

const AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-";

/** `view` of the label that says that a role is part of `view`. */
function aggregates(labels: Readonly<Record<string, string>> = {}): string[] {
  return Object.keys(labels)
    .filter((name) => name.startsWith(AGGREGATE))
    .map((name) => name.slice(AGGREGATE.length));
}

function role({ metadata: { name, namespace, labels }, rules, aggregationRule }: Read): object {
  const into = aggregates(labels);
  const from = (aggregationRule?.clusterRoleSelectors ?? []).flatMap(({ matchLabels }) => aggregates(matchLabels));
  return {
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(into.length === 0 ? {} : { into }),
    ...(from.length === 0 ? {} : { from }),
    ...(rules === undefined || rules === null ? {} : { rules }),
  };
}

function binding({ metadata: { name, namespace }, roleRef, subjects = [] }: Read): object {
  const bare = subjects.map((subject) => ({
    kind: subject.kind,
    name: subject.name,
    ...(subject.namespace === undefined ? {} : { namespace: subject.namespace }),
  }));
  return { ...(namespace === undefined ? {} : { namespace }), name, role: [roleRef?.kind, roleRef?.name], subjects: bare };
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("name the file to read");
const read = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, readonly Read[]>>;
const lists = {
  clusterRoles: (read.clusterroles ?? []).map(role),
  roles: (read.roles ?? []).map(role),
  clusterRoleBindings: (read.clusterrolebindings ?? []).map(binding),
  roleBindings: (read.rolebindings ?? []).map(binding),
};
const lines = Object.entries(lists).map(([name, items]) => `"${name}": [\n${items.map((item) => JSON.stringify(item)).join(",\n")}\n]`);
writeFileSync(new URL("./default-roles.json", import.meta.url), `{\n${lines.join(",\n")}\n}\n`);

import type { Attributes } from "../cluster/access/authorization/attributes.ts";
import { onResource } from "../cluster/access/authorization/attributes.ts";
import { defaultRoles } from "../cluster/access/authorization/default-roles.ts";
import { RoleIndex } from "../cluster/access/authorization/role-index.ts";
import type { Identity } from "../cluster/access/identity.ts";
import type { Figure } from "./figure.ts";
import { printFigures } from "./figure.ts";

/** `npm run bench -- access [--json]`: what a decision costs that is remembered, and one that is worked out, beside 10,000 bindings of others. */
const BINDINGS = 10_000;
const NAMESPACES = 1_000;
const ROUNDS = 20;
const DECISIONS = 50_000;

const RBAC = "rbac.authorization.k8s.io";
const json = process.argv.includes("--json");

/** The default roles and bindings, and 10,000 role bindings of the role `edit`: each user in one namespace of many. */
function filledIndex(): RoleIndex {
  const index = new RoleIndex();
  const { clusterRoles, clusterRoleBindings } = defaultRoles();
  for (const { metadata, rules = [] } of clusterRoles) index.setRole(`clusterroles/${metadata.name}`, rules);
  for (const { metadata, roleRef, subjects = [] } of clusterRoleBindings)
    index.setBinding(`clusterrolebindings/${metadata.name}`, metadata.name, "", roleRef, subjects);
  // What the aggregation controller makes of it.
  const edit = clusterRoles.filter(({ metadata }) => /aggregate-to-(edit|view)$/.test(metadata.name)).flatMap(({ rules = [] }) => rules);
  index.setRole("clusterroles/edit", edit);
  const roleRef = { apiGroup: RBAC, kind: "ClusterRole", name: "edit" };
  for (let i = 0; i < BINDINGS; i++) {
    const subjects = [{ kind: "User", apiGroup: RBAC, name: `user-${i}` }];
    index.setBinding(`rolebindings/ns-${i % NAMESPACES}/b-${i}`, `b-${i}`, `ns-${i % NAMESPACES}`, roleRef, subjects);
  }
  return index;
}

const conditions = `${BINDINGS} role bindings in ${NAMESPACES} namespaces beside the defaults, processor time, median of ${ROUNDS} rounds`;
const index = filledIndex();
const identityOf = (i: number): Identity => ({ user: `user-${i}`, groups: ["dev", "system:authenticated"] });
const asking = (i: number, verb: string): Attributes =>
  onResource({ verb, group: "apps", resource: "deployments", namespace: `ns-${i % NAMESPACES}`, name: "d" });

/** Microseconds of processor time a decision, which a busy machine disturbs least: the median of the rounds. `ask` gives how many were allowed. */
function timed(ask: () => number, decisions: number): number {
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const from = process.cpuUsage();
    const allowed = ask();
    const { user, system } = process.cpuUsage(from);
    rounds.push((user + system) / decisions);
    if (allowed !== decisions / 2) throw new Error(`${allowed} of ${decisions} were allowed, and half of them should be`);
  }
  return rounds.sort((a, b) => a - b)[ROUNDS / 2] ?? 0;
}

/** One who may and one who may not, in turn. */
function remembered(): number {
  const who = identityOf(7);
  const [may, mayNot] = [asking(7, "update"), asking(7, "escalate")];
  return timed(() => {
    let allowed = 0;
    for (let i = 0; i < DECISIONS; i++) if (index.authorize(who, i % 2 === 0 ? may : mayNot).allowed) allowed++;
    return allowed;
  }, DECISIONS);
}

/** Each by somebody who has not been seen before. */
function workedOut(): number {
  return timed(() => {
    let allowed = 0;
    for (let i = 0; i < BINDINGS; i++)
      if (index.authorize(identityOf(i), asking(i, i % 2 === 0 ? "update" : "escalate")).allowed) allowed++;
    return allowed;
  }, BINDINGS);
}

const figure = (name: string, value: number): Figure => ({
  suite: "access",
  case: "decision",
  metric: name,
  value,
  unit: "µs",
  conditions,
});
printFigures([figure("remembered", remembered()), figure("worked out", workedOut())], json);

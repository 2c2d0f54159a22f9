/** `docs/api-coverage.md`: what of the API of Kubernetes 1.34 is served, from its own discovery documents and ours. */
import { join } from "node:path";
import { BUILT_IN_KINDS } from "../../actors/kinds/kinds.ts";
import { discover } from "../../cluster/gateway/discovery.ts";
import reference from "../actors/kinds/reference.json" with { type: "json" };
import { DIFFERENT } from "./differences.ts";

export const COVERAGE_FILE: string = join(import.meta.dirname, "../../docs/api-coverage.md");
export const REGENERATE = "npm run api-coverage";

/** Verbs by the name of a resource or subresource: `apps/v1/deployments/scale`. */
function served(): ReadonlyMap<string, readonly string[]> {
  const verbs = new Map<string, readonly string[]>();
  for (const { group, versions } of discover(BUILT_IN_KINDS)) {
    for (const { version, resources } of versions) {
      for (const { plural, verbs: own, subresources } of resources) {
        verbs.set(`${group}/${version}/${plural}`, own);
        for (const sub of subresources) verbs.set(`${group}/${version}/${plural}/${sub.name}`, sub.verbs);
      }
    }
  }
  return verbs;
}

function row(name: string, wanted: readonly string[], got: readonly string[] | undefined): string {
  const missing = wanted.filter((verb) => got?.includes(verb) !== true);
  const state = got === undefined ? "no" : missing.length === 0 ? "yes" : `without ${missing.join(", ")}`;
  return `| ${name} | ${wanted.join(" ")} | ${state} |`;
}

/** The page. */
export function coverage(): string {
  const ours = served();
  const lines = [
    "# What of the API is served",
    "",
    `Written by \`${REGENERATE}\` from the discovery documents of Kubernetes 1.34.9 and the kinds that are served; a test fails when it is not up to date.`,
  ];
  let heading = "";
  const sorted = reference.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  for (const { group, version, plural, verbs, subresources } of sorted) {
    const title = group === "" ? version : `${group}/${version}`;
    if (title !== heading) lines.push("", `## ${title}`, "", "| resource | verbs | served |", "| --- | --- | --- |");
    heading = title;
    const name = `${group}/${version}/${plural}`;
    lines.push(row(plural, verbs, ours.get(name)));
    for (const [sub, wanted] of subresources as unknown as readonly (readonly [string, readonly string[]])[]) {
      lines.push(row(`${plural}/${sub}`, wanted, ours.get(`${name}/${sub}`)));
    }
  }
  lines.push("", "## Where answers differ", "");
  lines.push("Of 112 recorded conversations with Kubernetes 1.34.9, all requests but those of these are answered alike:", "");
  for (const [name, why] of DIFFERENT) lines.push(`- \`${name}\`: ${why}`);
  return `${lines.join("\n")}\n`;
}

function key({ group, version, plural }: { readonly group: string; readonly version: string; readonly plural: string }): string {
  return `${group}/${version}/${plural}`;
}

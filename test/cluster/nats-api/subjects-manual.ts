import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Kind } from "../../../actors/kinds/kind.ts";
import { BUILT_IN_KINDS, KindTable } from "../../../actors/kinds/kinds.ts";
import { VIRTUAL_RESOURCES } from "../../../cluster/gateway/discovered-resource.ts";
import { QUESTIONS, requestSubject, watchSubject } from "../../../cluster/nats/subjects.ts";
import { PreferredVersions } from "../../../cluster/nats-api/preferred-versions.ts";

export const MANUAL_FILE: string = join(import.meta.dirname, "../../../docs/nats.md");
const HEAD = "| resource | version | requests | events |\n| --- | --- | --- | --- |\n";

/** The page, with its last part as the kinds have it. */
export function manualText(): string {
  const text = readFileSync(MANUAL_FILE, "utf8");
  const [before = text] = text.split(HEAD);
  const versions = new PreferredVersions(new KindTable(), undefined);
  const preferred = BUILT_IN_KINDS.filter(({ group, plural, version }) => versions.of(group, plural) === version);
  versions.close();
  const rows = [
    ...preferred.map(rowOf),
    ...VIRTUAL_RESOURCES.map(({ group, plural, version, namespaced, verbs }) =>
      row(group, plural, version, namespaced, [[plural, verbs]], false),
    ),
  ];
  return `${before.trimEnd()}\n\n${HEAD}${rows.join("\n")}\n`;
}

function rowOf({ group, plural, version, namespaced, verbs, subresources }: Kind): string {
  const byDoor = subresources.filter(({ connects, name }) => connects !== true || name === "log");
  const parts: readonly (readonly [string, readonly string[]])[] = [
    [plural, verbs],
    ...byDoor.map(({ name, verbs: own }) => [`${plural}/${name}`, own] as const),
    ...QUESTIONS.filter(({ about }) => group === "" && about.startsWith(`${plural}/`)).map(({ verb, about }) => [about, [verb]] as const),
  ];
  return row(group, plural, version, namespaced, parts, verbs.includes("watch"));
}

function row(
  group: string,
  plural: string,
  version: string,
  namespaced: boolean,
  parts: readonly (readonly [string, readonly string[]])[],
  watched: boolean,
): string {
  const namespace = namespaced ? "ns" : "";
  const subjects = parts.map(([resource, verbs]) => {
    const subject = requestSubject("VERB", { group, resource, namespace, name: "NAME" })
      .replace("VERB", "<verb>")
      .replace("NAME", "<name>");
    return `\`${subject}\`: ${[...verbs].sort().join(", ")}`;
  });
  const events = watched ? `\`${watchSubject({ group, resource: plural, namespace, name: "NAME" }).replace("NAME", "<name>")}\`` : "";
  return `| ${plural} | ${group === "" ? version : `${group}/${version}`} | ${subjects.join("<br>")} | ${events} |`;
}

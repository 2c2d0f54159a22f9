/** What the servers behind APIServices serve, as discovery documents list it. */
import type { Subresource, Verb } from "../../actors/kinds/kind.ts";
import type { DiscoveredResource } from "../gateway/discovered-resource.ts";

/** A metav1.APIResource, as far as anybody can be trusted. */
interface Listed {
  readonly name?: unknown;
  readonly singularName?: unknown;
  readonly namespaced?: unknown;
  readonly kind?: unknown;
  readonly group?: unknown;
  readonly version?: unknown;
  readonly verbs?: unknown;
  readonly shortNames?: unknown;
  readonly categories?: unknown;
}

const FOREIGN = {};

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

/** The rows of an APIResourceList; none of what is no such list. */
export function discoveredIn(list: unknown, group: string, version: string): readonly DiscoveredResource[] {
  const { resources } = (typeof list === "object" && list !== null ? list : {}) as { readonly resources?: unknown };
  const rows = (Array.isArray(resources) ? resources : []).filter((row): row is Listed => typeof row === "object" && row !== null);
  return rows
    .filter(({ name }) => text(name) !== "" && !text(name).includes("/"))
    .map((row) => ({
      group,
      version,
      plural: text(row.name),
      singular: text(row.singularName),
      kind: text(row.kind),
      namespaced: row.namespaced === true,
      verbs: texts(row.verbs) as readonly Verb[],
      shortNames: texts(row.shortNames),
      categories: texts(row.categories),
      subresources: rows.filter(({ name }) => text(name).startsWith(`${text(row.name)}/`)).map(subresourceOf),
      custom: FOREIGN,
      stored: undefined,
    }));
}

function subresourceOf(row: Listed): Subresource {
  const name = text(row.name);
  const verbs = texts(row.verbs) as Subresource["verbs"];
  const gvk = text(row.group) === "" ? {} : { gvk: { group: text(row.group), version: text(row.version), kind: text(row.kind) } };
  return { name: name.slice(name.indexOf("/") + 1), verbs, ...gvk };
}

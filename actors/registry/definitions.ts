/**
 * Custom resources on one host: the table of kinds has a row for every version that an established CustomResourceDefinition serves, from the moment
 * on that this host's view shows it. The table of every host is made from the same log, so all hosts agree.
 */

import { CustomResourceDefinitionKind } from "../kinds/apiextensions/custom-resource-definition.ts";
import { customKinds, isEstablished } from "../kinds/custom/custom-kind.ts";
import type { CustomResourceDefinition } from "../kinds/generated/types.ts";
import type { Kind } from "../kinds/kind.ts";
import { resourceOf } from "../kinds/kind.ts";
import type { KindTable } from "../kinds/kinds.ts";
import type { Entry, Subscription, View } from "../store/view.ts";

const DEFINITIONS = resourceOf(CustomResourceDefinitionKind);

/** Keeps the table's rows as the definitions are. The rows of what is there already are there when this returns. */
export function followDefinitions(view: View, kinds: Pick<KindTable, "add" | "remove" | "byPlural">): Subscription {
  const rows = new Map<string, readonly Kind[]>();
  const take = (key: string, entry: Entry | undefined): void => {
    for (const kind of rows.get(key) ?? []) kinds.remove(kind);
    rows.delete(key);
    if (entry === undefined) return;
    const definition = view.decode<CustomResourceDefinition>(entry);
    if (!isEstablished(definition)) return;
    // What is built in stays what it is, whatever a definition calls itself.
    const made = customKinds(definition).filter(({ group, version, plural }) => kinds.byPlural(group, version, plural) === undefined);
    for (const kind of made) kinds.add(kind);
    rows.set(key, made);
  };
  for (const entry of view.list(DEFINITIONS)) take(entry.key, entry);
  return view.watch(DEFINITIONS, view.revision, ({ now, before }) => {
    const key = (now ?? before)?.key;
    if (key !== undefined) take(key, now);
  });
}

import type { Change } from "../changes.ts";

type Step = string | number;

/** The value with changes made to it that were meant for another state of it. What a change goes into is made where it is not there any more. */
export function withChanges(value: unknown, changes: readonly Change[]): unknown {
  // Items are taken out from the end, so that those before stay where the changes have them.
  const removals = changes.filter(({ after }) => after === undefined).reverse();
  const others = changes.filter(({ after }) => after !== undefined);
  return [...others, ...removals].reduce((state, { path, after }) => changed(state, path, after), value);
}

function changed(value: unknown, [step, ...rest]: readonly Step[], after: unknown): unknown {
  if (step === undefined) return after;
  if (typeof step === "number") {
    const items = Array.isArray(value) ? [...value] : [];
    if (rest.length === 0 && after === undefined) return items.filter((_, at) => at !== step);
    if (step < items.length) items[step] = changed(items[step], rest, after);
    else items.push(changed(undefined, rest, after));
    return items;
  }
  const fields = new Map<string, unknown>(typeof value === "object" && value !== null ? Object.entries(value) : []);
  if (rest.length === 0 && after === undefined) fields.delete(step);
  else fields.set(step, changed(fields.get(step), rest, after));
  return Object.fromEntries(fields);
}

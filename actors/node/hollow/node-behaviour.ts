/** What befalls a hollow node, as its annotations tell it. Pure. */
import { HollowAnnotations, hasHollowAnnotations } from "./annotations.ts";
import type { Fate } from "./fate.ts";

const SILENT = "silent";
const CONDITIONS = "conditions";
const AFTER = "-after-seconds";
const FOR = "-for-seconds";
const KNOWN: readonly string[] = [SILENT, CONDITIONS].flatMap((name) => [name, name + AFTER, name + FOR]);
const FORM = "conditions such as DiskPressure,Ready=False";
const CONDITION = /^([A-Za-z][A-Za-z0-9./-]*)(?:=(True|False|Unknown))?$/;

/** A condition that a node is told to report. */
export interface ToldCondition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
}

/** When something is so: it begins after a while, lasts for a while, and then over again; or it does not end. */
export interface Spell {
  readonly after_ms: number;
  readonly for_ms: number;
}

export interface NodeBehaviour {
  readonly silence: Spell | undefined;
  readonly pressure: (Spell & { readonly conditions: readonly ToldCondition[] }) | undefined;
  readonly complaints: readonly string[];
}

/** Undefined for nodes whose annotations say nothing of the kind. */
export function nodeBehaviour(
  name: string,
  annotations: Readonly<Record<string, string>> | undefined,
  fate: Fate,
): NodeBehaviour | undefined {
  if (annotations === undefined || !hasHollowAnnotations(annotations)) return undefined;
  const told = new HollowAnnotations(annotations, `nodes/${name}`, fate);
  const spell = (of: string): Spell => ({
    after_ms: told.span_ms(of + AFTER) ?? 0,
    for_ms: told.span_ms(of + FOR) ?? Number.POSITIVE_INFINITY,
  });
  const conditions = told.words(CONDITIONS, FORM, conditionsIn);
  const silent = told.flag(SILENT);
  const behaviour: NodeBehaviour = {
    silence: silent && told.befalls(SILENT) ? spell(SILENT) : undefined,
    pressure: conditions !== undefined && told.befalls(CONDITIONS) ? { ...spell(CONDITIONS), conditions } : undefined,
    complaints: told.complaints,
  };
  told.refuseOthers(KNOWN);
  return behaviour;
}

function conditionsIn(text: string): readonly ToldCondition[] | undefined {
  const conditions = text.split(",").map((each) => {
    const [, type, status] = CONDITION.exec(each.trim()) ?? [];
    // A node that is told nothing more than to be Ready already is.
    const untold = type === "Ready" ? "False" : "True";
    return type === undefined ? undefined : { type, status: (status ?? untold) as ToldCondition["status"] };
  });
  return conditions.every((each) => each !== undefined) ? conditions : undefined;
}

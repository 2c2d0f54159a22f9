/** How lists and maps merge: facts that the official client does not carry. */
import { structFactsOf } from "./go-facts.ts";

export interface MergeFacts {
  /** `merge`, `replace`, `retainKeys`; none means that a list is replaced and a map merged. */
  readonly strategies: readonly string[];
  /** The field that tells the items of a merged list apart; undefined for lists of scalars. */
  readonly mergeKey: string | undefined;
  /** `map`, `set` or `atomic`; undefined where Kubernetes says nothing: a list is atomic then. */
  readonly listType: string | undefined;
  /** The fields that tell the items of a `map` list apart in server-side apply. */
  readonly listKeys: readonly string[];
}

const NONE: MergeFacts = { strategies: [], mergeKey: undefined, listType: undefined, listKeys: [] };
const read = new Map<string, ReadonlyMap<string, MergeFacts>>();

function words(text: string | undefined): string[] {
  return text === undefined || text === "" ? [] : text.split(",");
}

function readFacts(type: string): ReadonlyMap<string, MergeFacts> {
  const facts = new Map<string, MergeFacts>();
  for (const word of (structFactsOf(type).merge ?? "").split(" ")) {
    const [field = "", patch = "", list = ""] = word.split("=");
    const [strategies, mergeKey] = patch.split("/");
    const [listType, listKeys] = list.split("/");
    facts.set(field, {
      strategies: words(strategies),
      mergeKey: mergeKey || undefined,
      listType: listType || undefined,
      listKeys: words(listKeys),
    });
  }
  return facts;
}

/** The facts of a field of a definition, by the definition's TypeScript name: `("PodSpec", "containers")`. */
export function mergeFactsOf(type: string | undefined, field: string): MergeFacts {
  if (type === undefined) return NONE;
  let facts = read.get(type);
  if (facts === undefined) {
    facts = readFacts(type);
    read.set(type, facts);
  }
  return facts.get(field) ?? NONE;
}

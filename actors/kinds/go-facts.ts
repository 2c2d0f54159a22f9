/**
 * Facts about definitions that the OpenAPI document does not have, since they are facts of Kubernetes' Go structs; `generate.ts` wrote
 * them. By the definition's TypeScript name, where there is something to say.
 */
import facts from "./generated/go-facts.json" with { type: "json" };

interface StructFacts {
  /**
   * Fields whose Go type has a name of its own, which the decoder says when a value does not fit: `cannot unmarshal number into Go struct
   * field PodSpec.spec.restartPolicy of type v1.RestartPolicy`. `field:Type`, separated by spaces; a type without a package is of `v1`.
   */
  readonly types?: string;
  /**
   * How lists and maps merge, one word a field: `field=<patch strategies>/<merge key of strategic merge patch>=<list or map type of
   * server-side apply>/<its keys>`. Either half may be empty.
   */
  readonly merge?: string;
  /** Server-side apply takes or leaves the struct as a whole. Source: +structType=atomic. */
  readonly atomic?: boolean;
}

const FACTS: Readonly<Record<string, StructFacts>> = facts;
const NOTHING: StructFacts = {};

export function structFactsOf(type: string): StructFacts {
  return (Object.hasOwn(FACTS, type) ? FACTS[type] : undefined) ?? NOTHING;
}

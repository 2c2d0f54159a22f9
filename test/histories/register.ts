import type { Operation } from "./operation.ts";

/**
 * What one key may hold: the sequential specification that histories are held to. A write whose answer was lost leaves a revision that is
 * not known, until somebody tells it.
 */
export interface Register {
  readonly present: boolean;
  readonly value: string | undefined;
  /** Undefined: not known, but larger than `floor`. */
  readonly revision: number | undefined;
  /** The latest revision known of any change of the key. */
  readonly floor: number;
}

export const ABSENT: Register = { present: false, value: undefined, revision: undefined, floor: 0 };

/**
 * The register after the operation, when its answer is right; undefined when the operation cannot happen now. An operation without answer
 * that would change nothing cannot: it then need not happen at all.
 */
export function step(register: Register, { request, answer }: Operation): Register | undefined {
  if (request.op === "read") {
    if (answer?.type !== "read") return undefined;
    const { found } = answer;
    if (found === undefined) return register.present ? undefined : register;
    return found.value === register.value ? known(register, found.revision) : undefined;
  }
  if (answer?.type === "read") return undefined;
  if (answer?.type === "conflict") {
    if (answer.actual === undefined) return request.op !== "create" && !register.present ? register : undefined;
    if (request.op !== "create" && request.expect === answer.actual) return undefined;
    return known(register, answer.actual);
  }
  const before = request.op === "create" ? (register.present ? undefined : register) : known(register, request.expect);
  if (before === undefined || (answer !== undefined && answer.revision <= before.floor)) return undefined;
  const floor = answer?.revision ?? before.floor;
  if (request.op === "delete") return { present: false, value: undefined, revision: undefined, floor };
  return { present: true, value: request.value, revision: answer?.revision, floor };
}

/** The register when it holds something at this revision; undefined when it does not. */
function known(register: Register, revision: number): Register | undefined {
  if (!register.present) return undefined;
  if (register.revision !== undefined) return register.revision === revision ? register : undefined;
  return revision > register.floor ? { ...register, revision, floor: revision } : undefined;
}

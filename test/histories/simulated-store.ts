import type { Random } from "../../runtime/mod.ts";
import type { Answer, Happening, Operation, Request } from "./operation.ts";

interface Making {
  readonly client: string;
  readonly key: string;
  readonly called: number;
  /** When it takes effect; undefined: never. */
  readonly effect: number | undefined;
  readonly returned: number;
  readonly request: (current: Happening | undefined) => Request;
}

/**
 * A history as a store without faults makes it, and that store's log: clients work one operation after another, each takes effect at some
 * moment between call and return, and some answers never come.
 */
export function simulatedHistory(
  random: Random,
  options: { readonly clients: number; readonly keys: number; readonly each: number },
): { readonly operations: readonly Operation[]; readonly log: readonly Happening[] } {
  const makings: Making[] = [];
  for (let client = 0; client < options.clients; client++) {
    let now = random.next();
    for (let i = 0; i < options.each; i++) {
      const called = now;
      const effect = called + random.next();
      const isLost = random.below(10) === 0;
      const returned = isLost ? Number.POSITIVE_INFINITY : effect + random.next();
      makings.push({
        client: `c${client}`,
        key: `things/k${random.below(options.keys)}`,
        called,
        effect: isLost && random.below(2) === 0 ? undefined : effect + (isLost ? 3 * random.next() : 0),
        returned,
        request: requestOf(random, `${client}.${i}`),
      });
      now = (isLost ? effect : returned) + random.next();
    }
  }
  const log: Happening[] = [];
  const state = new Map<string, Happening>();
  const operations: Operation[] = [];
  for (const making of [...makings].sort((a, b) => (a.effect ?? a.called) - (b.effect ?? b.called))) {
    const current = state.get(making.key);
    const request = making.request(current);
    const answer = making.effect === undefined ? undefined : apply(making.key, request, state, log);
    const { client, key, called, returned } = making;
    operations.push({ client, key, called, returned, request, answer: returned === Number.POSITIVE_INFINITY ? undefined : answer });
  }
  return { operations: operations.sort((a, b) => a.called - b.called), log };
}

function requestOf(random: Random, value: string): Making["request"] {
  const choice = random.below(10);
  const off = random.below(4) === 0 ? 1 : 0;
  return (current) => {
    const expect = Math.max(1, (current?.revision ?? 1) - off);
    if (choice < 3 || current === undefined) return choice % 3 === 0 ? { op: "read" } : { op: "create", value };
    return choice < 7 ? { op: "update", expect, value } : choice < 8 ? { op: "delete", expect } : { op: "read" };
  };
}

function apply(key: string, request: Request, state: Map<string, Happening>, log: Happening[]): Answer {
  const current = state.get(key);
  const revision = log.length + 1;
  if (request.op === "read") {
    const found = current === undefined ? undefined : { revision: current.revision, value: current.value ?? "" };
    return { type: "read", at: log.length, found };
  }
  const holds = request.op === "create" ? current === undefined : current?.revision === request.expect;
  if (!holds) return { type: "conflict", actual: current?.revision };
  const type = ({ create: "created", update: "updated", delete: "deleted" } as const)[request.op];
  const happening = { revision, key, type, value: request.op === "delete" ? undefined : request.value, transaction: revision };
  log.push(happening);
  if (request.op === "delete") state.delete(key);
  else state.set(key, happening);
  return { type: "committed", revision };
}

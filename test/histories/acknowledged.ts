import type { Happening, Operation } from "./operation.ts";
import { describeOperation } from "./operation.ts";

const TYPES = { create: "created", update: "updated", delete: "deleted" } as const;

/**
 * What of a history contradicts the log that the store has in the end: acknowledged writes that are lost, changed or reordered, writes that
 * were applied twice, revisions that did not grow with time. Linearizability of keys says nothing about the order between keys; revisions do.
 */
export function acknowledgementFaults(operations: readonly Operation[], log: readonly Happening[]): string[] {
  return [...lost(operations, log), ...repeated(operations, log), ...disordered(operations)];
}

function lost(operations: readonly Operation[], log: readonly Happening[]): string[] {
  const at = new Map(log.map((happening) => [happening.revision, happening]));
  return operations.flatMap((operation) => {
    const { request, answer, key } = operation;
    if (answer?.type !== "committed" || request.op === "read") return [];
    const found = at.get(answer.revision);
    const value = request.op === "delete" ? undefined : request.value;
    if (found?.key === key && found.type === TYPES[request.op] && found.value === value) return [];
    return [`lost: ${describeOperation(operation)}; the log has ${JSON.stringify(found ?? "nothing there")}`];
  });
}

function repeated(operations: readonly Operation[], log: readonly Happening[]): string[] {
  const written = new Map<string, number>();
  for (const { value } of log) if (value !== undefined) written.set(value, (written.get(value) ?? 0) + 1);
  return operations.flatMap((operation) => {
    const { request } = operation;
    const times = request.op === "create" || request.op === "update" ? (written.get(request.value) ?? 0) : 0;
    return times > 1 ? [`applied ${times} times: ${describeOperation(operation)}`] : [];
  });
}

/** What was committed or read after a write was acknowledged has a later revision than that write, on whatever key. */
function disordered(operations: readonly Operation[]): string[] {
  const byCall = operations.filter(({ answer }) => answer !== undefined).sort((a, b) => a.called - b.called);
  const byReturn = [...byCall].sort((a, b) => a.returned - b.returned);
  const faults: string[] = [];
  let newest: Operation | undefined;
  let newestRevision = 0;
  let returned = 0;
  for (const operation of byCall) {
    for (let each = byReturn[returned]; each !== undefined && each.returned < operation.called; each = byReturn[++returned]) {
      const revision = revisionOf(each) ?? 0;
      if (revision <= newestRevision) continue;
      newestRevision = revision;
      newest = each;
    }
    const revision = revisionOf(operation);
    if (revision === undefined || newest === undefined) continue;
    const enough = operation.answer?.type === "read" || newest.answer?.type === "read" ? newestRevision : newestRevision + 1;
    if (revision < enough) faults.push(`out of order: ${describeOperation(operation)} came after ${describeOperation(newest)}`);
  }
  return faults;
}

/** The revision that the store had reached when the operation was answered, as far as the answer tells. */
function revisionOf({ answer }: Operation): number | undefined {
  return answer?.type === "committed" ? answer.revision : answer?.type === "read" ? answer.at : undefined;
}

import type { Call } from "./harness.ts";

/**
 * Conversations with Kubernetes 1.34.9, as recorded: each a list of requests and what was answered. They are replayed against a gateway, and the
 * answers compared point by point; what differs from run to run (uids, revisions, times, addresses) is compared by its presence alone.
 */
export interface Step {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly expect?: { readonly status: number; readonly body: unknown };
  /** The answer only serves later steps. */
  readonly unchecked?: boolean;
}

export interface Conversation {
  readonly name: string;
  readonly steps: readonly Step[];
}

export interface Answer {
  readonly status: number;
  /** Parsed where it is JSON; the events of a watch as `{ events: [...] }`. */
  readonly body: unknown;
}

/** Makes one request of a step. */
export type Ask = (step: Pick<Step, "method" | "path" | "headers" | "body">) => Promise<Answer>;

/** Asks by way of a client of a gateway. */
export function askBy(call: Call): Ask {
  return async ({ method, path, headers = {}, body }) => {
    const answer = await call(method, path, body, { accept: "application/json", ...headers });
    if (/[?&]watch=(1|true)/.test(path) && answer.status === 200) {
      const lines = answer.text.split("\n").filter(Boolean);
      return { status: 200, body: { events: lines.map((line) => JSON.parse(line) as unknown) } };
    }
    try {
      return { status: answer.status, body: answer.text === "" ? "" : answer.json() };
    } catch {
      return { status: answer.status, body: answer.text };
    }
  };
}

type Json = Readonly<Record<string, unknown>>;

const VOLATILE: ReadonlySet<string> = new Set([
  "batch.kubernetes.io/controller-uid",
  "continue",
  "controller-uid",
  "creationTimestamp",
  "deletionTimestamp",
  "expirationTimestamp",
  "healthCheckNodePort",
  "lastProbeTime",
  "lastTransitionTime",
  "lastUpdateTime",
  "nodePort",
  "resourceVersion",
  "startTime",
  "storageVersionHash",
  "time",
  "token",
  "uid",
]);

/** In texts, what stands for what. */
const REPLACED: readonly (readonly [pattern: RegExp, by: string])[] = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uid>"],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>"],
  [/\bgen-[a-z0-9]{5}/g, "gen-<rand>"],
  [/current: \d+/g, "current: <n>"],
  [/in record \(\d+\)/g, "in record (<n>)"],
  [/kube-api-access-[a-z0-9]{5}/g, "kube-api-access-<rand>"],
  [/\b10\.\d+\.\d+\.\d+\b/g, "<ip>"],
];

/** A value with what no two servers share replaced by its kind, as it was when it was recorded. Descriptions are not compared. */
export function normal(value: unknown, namespace: string, key?: string): unknown {
  if (Array.isArray(value))
    return value.map((one) => (key === "clusterIPs" ? "<ip>" : normal(one, namespace, key === "cells" ? "cell" : "")));
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([name]) => name !== "description");
    return Object.fromEntries(members.map(([name, one]) => [name, isVolatile(name, one) ? `<${name}>` : normal(one, namespace, name)]));
  }
  if (typeof value !== "string") return value;
  if (key === "clusterIP" && value !== "None") return "<ip>";
  // On a busy machine an object may be a second old when it is printed.
  if (key === "cell" && /^\d+s$/.test(value)) return "0s";
  let text = value.replaceAll(namespace, "{ns}");
  for (const [pattern, by] of REPLACED) text = text.replace(pattern, by);
  return text;
}

function isVolatile(name: string, value: unknown): boolean {
  return VOLATILE.has(name) && value !== null && value !== "" && typeof value !== "object";
}

/** Steps name the namespace as `{ns}`, and values of earlier answers as `{{0.metadata.resourceVersion}}`. */
function filled(value: unknown, answers: readonly Answer[], namespace: string): unknown {
  if (Array.isArray(value)) return value.map((one) => filled(one, answers, namespace));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [filled(name, answers, namespace), filled(one, answers, namespace)]),
    );
  }
  if (typeof value !== "string") return value;
  return value.replaceAll("{ns}", namespace).replace(/\{\{(\d+)\.([^}]+)\}\}/g, (_, index: string, path: string) => {
    const found = path.split(".").reduce<unknown>((at, name) => (at as Json | undefined)?.[name], answers[Number(index)]?.body);
    return String(found ?? "");
  });
}

/** Has a conversation in a namespace of its own; gives each recorded answer beside the one that came. */
export async function replay(
  { steps }: Conversation,
  namespace: string,
  ask: Ask,
): Promise<{ readonly wanted: unknown[]; readonly got: unknown[] }> {
  const answers: Answer[] = [];
  const wanted: unknown[] = [];
  const got: unknown[] = [];
  for (const { expect, unchecked, ...request } of steps) {
    const answer = await ask(filled(request, answers, namespace) as Step);
    answers.push(answer);
    if (expect === undefined || unchecked === true) continue;
    const what = `${request.method} ${request.path}`;
    wanted.push({ what, ...expect });
    got.push({ what, status: answer.status, body: normal(answer.body, namespace) });
  }
  return { wanted, got };
}

/** Managers stand in the order of their times in whole seconds, which a second that turns between two writes changes. */
export function inAnyOrder(value: unknown, member = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((one) => inAnyOrder(one));
    return member === "managedFields" ? items.sort((a, b) => (managerOf(a) < managerOf(b) ? -1 : 1)) : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inAnyOrder(one, name)]));
}

function managerOf(entry: unknown): string {
  const { manager = "", operation = "", subresource = "" } = entry as { manager?: string; operation?: string; subresource?: string };
  return `${manager} ${operation} ${subresource}`;
}

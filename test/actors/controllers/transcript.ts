import type { Action, Controller, Note, Refusal, Write } from "../../../actors/controllers/controller.ts";
import { type Kind, keyFor } from "../../../actors/kinds/kind.ts";
import type { KubeObject } from "../../../actors/kinds/object.ts";
import { encodeObject } from "../../../actors/kinds/text.ts";
import { timestamp } from "../../../actors/registry/timestamps.ts";
import type { StoredRecord } from "../../../actors/store/record.ts";
import { Replica } from "../../../actors/store/replica.ts";
import { silentLogger, virtualClock } from "../../../runtime/mod.ts";

/** When every transcript begins. */
export const START_MS: number = Date.parse("2026-01-01T12:00:00Z");
const ROUNDS_MAX = 100;

/**
 * One controller and a store that the test writes by hand: what it decides on a state is printed, one line an action, and nothing is performed.
 *
 *     create Pod/web-*                  `actions` has what of it matters
 *     modify Node/n {"spec":{…}}        what becomes different, as a merge patch
 *     status Node/n {…}                 the same of the status
 *     delete Pod/a {"gracePeriodSeconds":0}
 *     event Warning Reason Kind/name: message
 *     requeue 40000
 *
 * Steps in order begin with `1: `, `2: `. Times that are now are printed as `<now>`.
 */
export class Transcript {
  readonly #controller: Controller;
  readonly view: Replica = new Replica({ clock: virtualClock(), log: silentLogger });
  readonly #dirty = new Set<string>();
  now_ms: number = START_MS;
  #sequence = 0;

  constructor(controller: Controller) {
    this.#controller = controller;
    for (const index of controller.indexes ?? []) this.view.index(index);
    for (const watch of controller.watches) {
      this.view.watch(watch.resource, 0, (change) => {
        for (const key of watch.keys(change, this.view)) this.#dirty.add(key);
      });
    }
  }

  /** Writes the object, new or in place of the one of its name. Metadata that the registry would fill in is filled in. */
  put<T extends KubeObject>(kind: Kind<T>, object: object): this {
    const { metadata = {}, ...rest } = object as { metadata?: Partial<KubeObject["metadata"]> };
    const name = metadata.name ?? "";
    const namespace = kind.namespaced ? (metadata.namespace ?? "d") : undefined;
    const key = keyFor(kind, namespace, name);
    const meta = {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid: `uid-${name}`,
      creationTimestamp: timestamp(START_MS),
      ...metadata,
    };
    const text = encodeObject({ metadata: meta, ...rest } as KubeObject);
    this.#apply(key, text);
    return this;
  }

  remove<T extends KubeObject>(kind: Kind<T>, name: string, namespace = "d"): this {
    this.#apply(keyFor(kind, kind.namespaced ? namespace : undefined, name), undefined);
    return this;
  }

  /** Time passes. */
  after(passed_ms: number): this {
    this.now_ms += passed_ms;
    return this;
  }

  /** What it decides on all that has changed since it was asked last, and on what it looks at from time to time. */
  decide(): readonly string[] {
    for (const key of this.#controller.resync?.keys(this.view, this.now_ms) ?? []) this.#dirty.add(key);
    const lines: string[] = [];
    for (let round = 0; this.#dirty.size > 0 && round < ROUNDS_MAX; round++) {
      const [key] = this.#dirty;
      this.#dirty.delete(key as string);
      lines.push(...this.look(key as string));
    }
    return lines;
  }

  /** The same on one key, changed or not. */
  look(key: string): readonly string[] {
    return this.actions(key).flatMap((action) => print(action, this.view, this.now_ms));
  }

  actions(key: string): readonly Action[] {
    return this.#controller.reconcile(this.view, key, this.now_ms);
  }

  /** What it does about writes that were refused. */
  afterRefusal(key: string, refusals: readonly Refusal[]): readonly string[] {
    const actions = this.#controller.refused?.(this.view, key, this.now_ms, refusals) ?? [];
    return actions.flatMap((action) => print(action, this.view, this.now_ms));
  }

  /** The same with what work that takes time comes to. */
  async lookAndWork(key: string): Promise<readonly string[]> {
    const actions = await Promise.all(this.actions(key).map(async (action) => (action.do === "work" ? action.work() : [action])));
    return actions.flat().flatMap((action) => print(action, this.view, this.now_ms));
  }

  #apply(key: string, text: ReturnType<typeof encodeObject> | undefined): void {
    const revision = this.view.revision + 1;
    const op = text === undefined ? "delete" : this.view.entry(key) === undefined ? "create" : "update";
    const record: StoredRecord = { key, revision, op, stored: text && { text }, request: undefined };
    this.view.apply(++this.#sequence, { firstRevision: revision, lastRevision: revision, records: [record] });
  }
}

function print(action: Action, view: Replica, now_ms: number): readonly string[] {
  switch (action.do) {
    case "event":
      return [`event ${noteText(action.note)}`];
    case "requeue":
      return [`requeue ${action.after_ms}`];
    case "work":
      return ["work"];
    case "inOrder":
      return action.steps.flatMap((step, i) => print(step, view, now_ms).map((line) => `${i + 1}: ${line}`));
    case "together":
      return action.actions.flatMap((one) => print(one, view, now_ms));
    case "slowStart":
      return action.writes.flatMap((write) => print(write, view, now_ms));
    default:
      return [printWrite(action, view).replaceAll(timestamp(now_ms), "<now>")];
  }
}

function noteText({ about, type, reason, message }: Note): string {
  return `${type} ${reason} ${about.kind}/${about.metadata.name}: ${message}`;
}

function printWrite(write: Write, view: Replica): string {
  const { kind } = write.kind;
  if (write.do === "create") {
    const { name, generateName } = write.object.metadata;
    return `create ${kind}/${name ?? `${generateName}*`}`;
  }
  const { namespace, name } = write.of.metadata;
  const current = view.get(keyFor(write.kind, namespace, name));
  switch (write.do) {
    case "delete":
      return `delete ${kind}/${name}${write.options === undefined ? "" : ` ${JSON.stringify(write.options)}`}`;
    case "finalize":
      return `finalize ${kind}/${name} ${JSON.stringify(write.finalizers)}`;
    case "scale":
      return `scale ${kind}/${name} ${write.replicas}`;
    case "updateStatus":
      return `status ${kind}/${name} ${JSON.stringify(difference((current as { status?: object }).status ?? {}, write.status))}`;
    case "modify": {
      const copy = structuredClone(current as KubeObject);
      return `modify ${kind}/${name} ${JSON.stringify(difference(current as KubeObject, write.change(copy) ?? (current as KubeObject)))}`;
    }
  }
}

/** What a merge patch would say that makes `next` of `before`. */
function difference(before: object, next: object): object {
  const patch: Record<string, unknown> = {};
  const [old, now] = [before as Record<string, unknown>, next as Record<string, unknown>];
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    const [a, b] = [old[name], now[name]];
    if (JSON.stringify(a) === JSON.stringify(b)) continue;
    patch[name] = isPlain(a) && isPlain(b) ? difference(a, b) : (b ?? null);
  }
  return patch;
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import type { FlowSchema, PriorityLevelConfiguration } from "../../../actors/kinds/generated/types.ts";
import type { View } from "../../../actors/store/view.ts";
import type { Clock } from "../../../runtime/mod.ts";
import type { Identity } from "../../access/identity.ts";
import type { Family } from "../../observation/families.ts";
import type { RequestInfo } from "../route.ts";
import { DEFAULT_LEVELS, DEFAULT_SCHEMAS } from "./defaults.ts";
import type { Flow } from "./flow-schemas.ts";
import { flowOf, inOrder } from "./flow-schemas.ts";
import type { Seat } from "./priority-level.ts";
import { PriorityLevel, QUEUE_WAIT_MS_MAX } from "./priority-level.ts";

/** Requests that are worked on at once, those that are exempt aside. Source: kube-apiserver's --max-requests-inflight and --max-mutating-requests-inflight. */
export const SEATS = 600;

const SCHEMAS = "flowschemas.flowcontrol.apiserver.k8s.io";
const LEVELS = "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io";
const CATCH_ALL = "catch-all";

export interface Classified extends Flow {
  /** What every answer says of it, as names and values in turn. */
  readonly headers: readonly string[];
}

/**
 * Whose turn it is: requests are put into flows by FlowSchemas, flows into the levels of PriorityLevelConfigurations, as they are in the store; where they are not there
 * yet, by Kubernetes' own. What lasts (watches, logs, connections) is not counted.
 */
export class Fairness {
  readonly #view: View;
  readonly #clock: Clock;
  readonly #levels = new Map<string, PriorityLevel>();
  #schemas: readonly FlowSchema[] = [];
  readonly #headers = new Map<FlowSchema, readonly string[]>();
  #stale = true;

  constructor(view: View, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
    const stale = (): void => {
      this.#stale = true;
    };
    for (const resource of [SCHEMAS, LEVELS]) view.watch(resource, view.revision, stale);
  }

  classify(identity: Identity, info: RequestInfo): Classified {
    if (this.#stale) this.#takeUp();
    const flow = flowOf(this.#schemas, identity, info) ?? { schema: NOWHERE, level: CATCH_ALL, distinguisher: identity.user };
    return { ...flow, headers: this.#headers.get(flow.schema) ?? [] };
  }

  /** A seat for a request of this flow; undefined when there are too many, or its turn did not come in time. */
  enter({ schema, level, distinguisher }: Flow): Seat | Promise<Seat | undefined> | undefined {
    const own = this.#levels.get(level) ?? this.#levels.get(CATCH_ALL);
    return own?.enter(`${schema.metadata.name} ${distinguisher}`, (give) => this.#clock.after(QUEUE_WAIT_MS_MAX, give));
  }

  families(): readonly Family[] {
    const samples = (value: (level: PriorityLevel) => number): Family["samples"] =>
      [...this.#levels].map(([name, level]) => ({ labels: { priority_level: name }, value: value(level) }));
    return [
      {
        name: "apiserver_flowcontrol_current_executing_requests",
        help: "Requests that have a seat.",
        type: "gauge",
        samples: samples((level) => level.executing),
      },
      {
        name: "apiserver_flowcontrol_current_inqueue_requests",
        help: "Requests that wait for one.",
        type: "gauge",
        samples: samples((level) => level.waiting),
      },
      {
        name: "apiserver_flowcontrol_rejected_requests_total",
        help: "Requests that were turned away.",
        type: "counter",
        samples: samples((level) => level.rejected),
      },
    ];
  }

  #takeUp(): void {
    this.#stale = false;
    const levels = this.#all(LEVELS, DEFAULT_LEVELS);
    const schemas = this.#all(SCHEMAS, DEFAULT_SCHEMAS);
    const shares = ({ spec }: PriorityLevelConfiguration): number => spec.limited?.nominalConcurrencyShares ?? 0;
    const all = Math.max(
      1,
      levels.reduce((sum, level) => sum + shares(level), 0),
    );
    const uids = new Map<string, string>();
    for (const level of levels) {
      const { name, uid } = level.metadata;
      uids.set(name, uid);
      let own = this.#levels.get(name);
      if (own === undefined) {
        own = new PriorityLevel((give) => void this.#clock.after(0, give));
        this.#levels.set(name, own);
      }
      own.configure(level.spec, Math.ceil((SEATS * shares(level)) / all));
    }
    this.#schemas = inOrder(schemas);
    this.#headers.clear();
    for (const schema of schemas) {
      const { uid } = schema.metadata;
      const levelUid = uids.get(schema.spec.priorityLevelConfiguration.name) ?? "";
      if (uid === "") continue;
      this.#headers.set(schema, ["X-Kubernetes-PF-FlowSchema-UID", uid, "X-Kubernetes-PF-PriorityLevel-UID", levelUid]);
    }
  }

  /** What is stored, and of Kubernetes' own what is not. */
  #all<T extends FlowSchema | PriorityLevelConfiguration>(resource: string, defaults: readonly T[]): readonly T[] {
    const stored = this.#view.list(resource).map((entry) => this.#view.decode<T>(entry));
    const names = new Set(stored.map(({ metadata }) => metadata.name));
    return [...stored, ...defaults.filter(({ metadata }) => !names.has(metadata.name))];
  }
}

/** Of requests that no schema takes. */
const NOWHERE: FlowSchema = {
  metadata: { name: CATCH_ALL, uid: "", creationTimestamp: "" },
  spec: { priorityLevelConfiguration: { name: CATCH_ALL } },
};

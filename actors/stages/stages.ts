import type { Clock, Logger } from "../../runtime/mod.ts";
import type { KindTable } from "../kinds/kinds.ts";
import type { KubeObject } from "../kinds/object.ts";
import type { Fate } from "../node/hollow/fate.ts";
import type { EventRecorder } from "../registry/event-recorder.ts";
import type { Registry } from "../registry/registry.ts";
import { timestamp } from "../registry/timestamps.ts";
import type { Entry, Subscription, View } from "../store/view.ts";
import { type CelReader, celReader } from "./expression.ts";
import { STAGE_API_VERSION, STAGE_KIND, type Stage, StageError, stageOf } from "./stage.ts";
import { type StageBook, StagePlay, type StageSubject } from "./stage-play.ts";
import { COMMON_FUNCTIONS } from "./template/functions.ts";
import type { TemplateFunctions } from "./template/template.ts";

/** The store's name of Stage objects, whoever defined them. */
const STAGES = "stages.kwok.x-k8s.io";

export interface StagesOptions {
  readonly view: View;
  readonly registry: Registry;
  readonly recorder: EventRecorder;
  readonly kinds: KindTable;
  readonly clock: Clock;
  readonly log: Logger;
  /** Decides what is by chance; the same seed, the same run of stages for an object. */
  readonly fate: Fate;
  /** Stages that hold while this process runs, from a file; read before, so that they are right. */
  readonly documents?: readonly unknown[];
  /** What templates say of the version. */
  readonly version: string;
}

/**
 * The stages that there are, from files and as objects of the API, by what they are for. An object of the name of one from a file goes before it. One that cannot
 * be understood is not played, and an Event about it says why.
 */
export class Stages implements StageBook {
  readonly options: StagesOptions;
  readonly functions: TemplateFunctions;
  readonly #cel: CelReader;
  readonly #fromFile = new Map<string, Stage>();
  readonly #fromApi = new Map<string, Stage>();
  #bySubject: ReadonlyMap<string, readonly Stage[]> = new Map();
  readonly #listeners = new Set<(subjects: readonly string[]) => void>();
  readonly #subscription: Subscription;

  constructor(options: StagesOptions) {
    const { view, clock, fate } = options;
    this.options = options;
    let draws = 0;
    this.#cel = celReader({ now_ms: () => clock.now_ms(), chance: () => fate("cel", String(draws++)) });
    const started = timestamp(clock.now_ms());
    this.functions = {
      ...COMMON_FUNCTIONS,
      Now: () => new Date(clock.now_ms()).toISOString(),
      StartTime: () => started,
      Version: () => options.version,
      NodeConditions: () => NODE_CONDITIONS,
    };
    for (const document of options.documents ?? []) {
      const stage = stageOf(document, this.#cel);
      this.#fromFile.set(stage.name, stage);
    }
    for (const entry of view.list(STAGES)) this.#read(entry);
    this.#sort();
    this.#subscription = view.watch(STAGES, view.revision, ({ now, before }) => {
      const name = (now ?? before)?.key.slice(STAGES.length + 1) ?? "";
      const was = this.#fromApi.get(name);
      if (now === undefined) this.#fromApi.delete(name);
      else this.#read(now);
      const is = this.#fromApi.get(name);
      this.#sort();
      const subjects = [was, is, this.#fromFile.get(name)].flatMap((stage) => (stage === undefined ? [] : [stage.subject]));
      for (const listener of this.#listeners) listener(subjects);
    });
  }

  /** The stages for `v1/Pod`, say. */
  for(subject: string): readonly Stage[] {
    return this.#bySubject.get(subject) ?? NONE;
  }

  subjects(): readonly string[] {
    return [...this.#bySubject.keys()];
  }

  /** Calls `changed` when there are other stages now, with what they are for. */
  whenChanged(changed: (subjects: readonly string[]) => void): Subscription {
    this.#listeners.add(changed);
    return { cancel: () => void this.#listeners.delete(changed) };
  }

  /** The stages' part in the life of one object. */
  play(subject: StageSubject): StagePlay {
    return new StagePlay(this, subject);
  }

  close(): void {
    this.#subscription.cancel();
  }

  #read(entry: Entry): void {
    const object = this.options.view.decode<KubeObject>(entry);
    const { name } = object.metadata;
    try {
      this.#fromApi.set(name, stageOf({ ...object, apiVersion: STAGE_API_VERSION, kind: STAGE_KIND }, this.#cel));
    } catch (error) {
      if (!(error instanceof StageError)) throw error;
      this.#fromApi.delete(name);
      this.options.log.warn({ stage: name, error: error.message }, "a stage is not understood, and not played");
      const about = { kind: STAGE_KIND, apiVersion: STAGE_API_VERSION, metadata: object.metadata };
      this.options.recorder.event(about, "Warning", "InvalidStage", error.message);
    }
  }

  #sort(): void {
    const all = [...new Map([...this.#fromFile, ...this.#fromApi]).values()];
    this.#bySubject = Map.groupBy(all, ({ subject }) => subject);
  }
}

const NONE: readonly Stage[] = [];

/** Source: kwok's pkg/utils/gotpl/funcs.go. */
const NODE_CONDITIONS = [
  { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" },
  { type: "MemoryPressure", status: "False", reason: "KubeletHasSufficientMemory", message: "kubelet has sufficient memory available" },
  { type: "DiskPressure", status: "False", reason: "KubeletHasNoDiskPressure", message: "kubelet has no disk pressure" },
  { type: "PIDPressure", status: "False", reason: "KubeletHasSufficientPID", message: "kubelet has sufficient PID available" },
  { type: "NetworkUnavailable", status: "False", reason: "RouteCreated", message: "RouteController created a route" },
];

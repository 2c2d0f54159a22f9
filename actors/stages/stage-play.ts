import type { Clock, Logger, Timer } from "../../runtime/mod.ts";
import { apiVersionOf, type Kind } from "../kinds/kind.ts";
import { mayBeDeleted } from "../kinds/metadata-text.ts";
import type { KubeObject } from "../kinds/object.ts";
import { StatusError } from "../kinds/status.ts";
import { decodeObject } from "../kinds/text.ts";
import type { Fate } from "../node/hollow/fate.ts";
import type { Author } from "../registry/registry.ts";
import type { Entry, View } from "../store/view.ts";
import { type PerformWorld, performStage } from "./perform.ts";
import { chosen, type Stage } from "./stage.ts";
import { isWrittenByStages } from "./stage-manager.ts";
import { TemplateError } from "./template/lex.ts";
import type { TemplateFunctions } from "./template/template.ts";

/** The object that stages are played on, and how it goes about it. */
export interface StageSubject {
  readonly kind: Kind;
  /** What templates can ask for beside what all can. */
  readonly functions: TemplateFunctions;
  /** Who writes where a stage names nobody. */
  readonly author?: Author;
  /** Has `play` called after a while. */
  after(ms: number): Timer;
}

/** The stages that there are, and the world that they are played in. */
export interface StageBook {
  readonly options: PerformWorld & { readonly view: View; readonly clock: Clock; readonly log: Logger; readonly fate: Fate };
  /** What all templates can ask for. */
  readonly functions: TemplateFunctions;
  /** The stages for `v1/Pod`, say. */
  for(subject: string): readonly Stage[];
}

interface Planned {
  readonly stage: Stage;
  readonly timer: Timer;
}

/** A stage that changes what it finds and matches again follows on itself no sooner than this. */
const SAME_AGAIN_MS = 1_000;
const RETRY_MS = 1_000;
/** What is not the stage's fault may go well another time. */
const MAY_GO_WELL: ReadonlySet<number> = new Set([409, 429, 500, 503, 504]);

/**
 * The stages' part in the life of one object: of those that match it as it is now one is planned, and played when its time has come. What has been planned stays
 * so while it matches. From the first that is played on, the object's status is the stages' own.
 */
export class StagePlay {
  readonly #stages: StageBook;
  readonly #subject: StageSubject;
  #entry: Entry | undefined;
  #planned: Planned | undefined;
  #last: Stage | undefined;
  #played = 0;
  #isOurs = false;

  constructor(stages: StageBook, subject: StageSubject) {
    this.#stages = stages;
    this.#subject = subject;
  }

  /** The object as it is now. True when stages hold it, and nobody else should act on its status. */
  see(entry: Entry): boolean {
    this.#entry = entry;
    const stages = this.#stages.for(this.#name);
    if (stages.length === 0) {
      this.forget();
      this.#isOurs = false;
      return false;
    }
    this.#isOurs ||= isWrittenByStages(entry);
    const object = this.#object(entry);
    const matching = stages.filter((stage) => stage.matches(object));
    const planned = this.#planned;
    if (planned !== undefined && matching.includes(planned.stage)) return true;
    this.forget();
    const stage = chosen(matching, object, this.#chance(entry, "choice"));
    // The end of an object is never for want of a stage.
    if (stage === undefined) return this.#isOurs && !mayBeDeleted(entry.text);
    const { clock } = this.#stages.options;
    const delay_ms = stage.delay_ms(object, clock.now_ms(), this.#chance(entry, stage.name));
    this.#plan(stage, stage === this.#last ? Math.max(delay_ms, SAME_AGAIN_MS) : delay_ms);
    return true;
  }

  /** The time of the planned stage has come. */
  async play(): Promise<void> {
    const [planned, entry] = [this.#planned, this.#entry];
    if (planned === undefined || entry === undefined) return;
    const { stage } = planned;
    this.#planned = undefined;
    this.#last = stage;
    this.#played++;
    const object = this.#object(entry);
    const { options } = this.#stages;
    try {
      for (const step of stage.steps) {
        for (const action of step(object, { ...this.#stages.functions, ...this.#subject.functions }))
          await performStage(options, this.#subject.kind, object, action, this.#subject.author);
      }
      this.#isOurs = true;
    } catch (error) {
      this.#failed(stage, object, error);
      return;
    }
    const now = options.view.entry(entry.key);
    // Else the change itself comes to be seen.
    if (stage.immediateNextStage && now !== undefined) this.see(now);
  }

  forget(): void {
    this.#planned?.timer.cancel();
    this.#planned = undefined;
  }

  get #name(): string {
    return `${apiVersionOf(this.#subject.kind)}/${this.#subject.kind.kind}`;
  }

  #plan(stage: Stage, ms: number): void {
    this.#planned = { stage, timer: this.#subject.after(ms) };
  }

  #failed(stage: Stage, object: KubeObject, error: unknown): void {
    if (error instanceof StatusError) {
      if (error.status.code === 404) return;
      if (MAY_GO_WELL.has(error.status.code ?? 0)) {
        this.#plan(stage, RETRY_MS);
        return;
      }
    }
    const { log, recorder } = this.#stages.options;
    const said = error instanceof TemplateError || error instanceof StatusError ? error.message : String(error);
    log.warn({ stage: stage.name, object: object.metadata.name, error: said }, "a stage could not be played");
    const about = { kind: this.#subject.kind.kind, apiVersion: apiVersionOf(this.#subject.kind), metadata: object.metadata };
    recorder.event(about, "Warning", "StageFailed", `stage ${stage.name}: ${said}`);
  }

  #object(entry: Entry): KubeObject {
    const { kind } = this.#subject;
    return { apiVersion: apiVersionOf(kind), kind: kind.kind, ...decodeObject<KubeObject>(entry.text, entry.revision) };
  }

  #chance({ key }: Entry, respect: string): number {
    return this.#stages.options.fate(key, `${respect}/${this.#played}`);
  }
}

import { type Actor, type ActorKind, type Address, addressOf, type Context, unknownMessage } from "../../runtime/mod.ts";
import { resourceOf } from "../kinds/kind.ts";
import type { Key } from "../store/transaction.ts";
import type { Change, Subscription } from "../store/view.ts";
import type { StagePlay } from "./stage-play.ts";
import type { Stages } from "./stages.ts";

/**
 * Plays stages on objects that no actor of their own plays: all but pods and nodes. Address `stages/main`. It promises that every object of a kind that stages are
 * for is seen by them, and again with each change.
 */
export type StagePlayerMessage =
  | { readonly type: "start" }
  /** There are other stages now, or another kind of object. */
  | { readonly type: "changed" }
  /** The time of what is planned for an object has come. */
  | { readonly type: "play"; readonly key: Key };

export const STAGE_PLAYER_ADDRESS: Address = addressOf("stages", "main");

/** Who plays stages on these themselves. */
const PLAYED_ELSEWHERE: ReadonlySet<string> = new Set(["v1/Pod", "v1/Node"]);
const MAILBOX_MESSAGES = 65_536;

export function createStagePlayerKind(stages: Stages): ActorKind<StagePlayerMessage> {
  return {
    kind: "stages",
    mailboxCapacity: MAILBOX_MESSAGES,
    supervision: { strategy: "restart", backoff_ms: 100, backoff_max_ms: 10_000 },
    activate: (context) => new StagePlayer(context, stages),
  };
}

class StagePlayer implements Actor<StagePlayerMessage> {
  readonly #context: Context<StagePlayerMessage>;
  readonly #stages: Stages;
  readonly #heard: Subscription[];
  /** The kinds that are watched, by what stages call them. */
  readonly #watched = new Map<string, Subscription>();
  readonly #plays = new Map<Key, StagePlay>();

  constructor(context: Context<StagePlayerMessage>, stages: Stages) {
    this.#context = context;
    this.#stages = stages;
    const changed = (): void => context.tell<StagePlayerMessage>(context.self, { type: "changed" });
    this.#heard = [stages.whenChanged(changed), stages.options.kinds.hearOfCustom(changed)];
    changed();
  }

  receive(message: StagePlayerMessage): void | Promise<void> {
    switch (message.type) {
      case "start":
        return;
      case "changed":
        return this.#watchAll();
      case "play":
        return this.#plays.get(message.key)?.play();
      default:
        unknownMessage(message);
    }
  }

  stopped(): void {
    for (const subscription of [...this.#heard, ...this.#watched.values()]) subscription.cancel();
    for (const play of this.#plays.values()) play.forget();
  }

  #watchAll(): void {
    const { view, kinds } = this.#stages.options;
    const subjects = this.#stages.subjects().filter((subject) => !PLAYED_ELSEWHERE.has(subject));
    for (const subject of subjects) {
      const slash = subject.lastIndexOf("/");
      const kind = kinds.byApiVersion(subject.slice(0, slash), subject.slice(slash + 1));
      if (kind === undefined) continue;
      const resource = resourceOf(kind);
      if (!this.#watched.has(subject)) {
        const see = (change: Change): void => this.#see(subject, change);
        this.#watched.set(subject, view.watch(resource, view.revision, see));
      }
      for (const entry of view.list(resource)) this.#see(subject, { resource, revision: entry.revision, now: entry, before: undefined });
    }
  }

  #see(subject: string, { now, before }: Change): void {
    const { kinds } = this.#stages.options;
    const key = (now ?? before)?.key ?? "";
    if (now === undefined) {
      this.#plays.get(key)?.forget();
      this.#plays.delete(key);
      return;
    }
    const slash = subject.lastIndexOf("/");
    const kind = kinds.byApiVersion(subject.slice(0, slash), subject.slice(slash + 1));
    if (kind === undefined) return;
    let play = this.#plays.get(key);
    if (play === undefined) {
      play = this.#stages.play({ kind, functions: {}, after: (ms) => this.#context.after(ms, { type: "play", key }) });
      this.#plays.set(key, play);
    }
    play.see(now);
  }
}

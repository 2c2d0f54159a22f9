import { type Address, kindOf } from "../../address.ts";
import type { Happened } from "../happening.ts";
import { Calm } from "../invariants/calm.ts";
import { crashOf } from "../invariants/crash-log.ts";
import type { Invariant } from "../scenario.ts";
import { WATCHES, type WatchedEnded } from "./actors.ts";

/** The word that a watch begins has arrived after so long, and the word that it ends, when nothing is in the way. */
const WORD_MS = 1_500;

interface Watch extends WatchedEnded {
  readonly by: Address;
  readonly epoch: number;
  readonly begun_ms: number;
}

interface Due {
  readonly watch: Watch;
  readonly ended_ms: number;
}

/**
 * Whoever watches is told once, as the activation that asked for it, and not before there was an ending. When nothing goes wrong meanwhile it is
 * told soon after.
 */
export function endingsAreHeardOf(): Invariant {
  const watches = new Map<number, Watch>();
  const byWatched = new Map<Address, Set<Watch>>();
  const endings = new Map<Address, number>();
  const due = new Map<number, Due>();
  const calm = new Calm();
  let lookAgain_ms = Number.POSITIVE_INFINITY;

  function forget(watch: Watch): void {
    watches.delete(watch.watch);
    byWatched.get(watch.of)?.delete(watch);
    due.delete(watch.watch);
  }

  /** An activation has ended for good. */
  function ended(address: Address, at_ms: number): void {
    for (const watch of byWatched.get(address) ?? []) {
      if (at_ms - watch.begun_ms < WORD_MS || due.has(watch.watch) || !calm.since(watch.begun_ms - WORD_MS)) continue;
      due.set(watch.watch, { watch, ended_ms: at_ms });
      lookAgain_ms = Math.min(lookAgain_ms, at_ms + WORD_MS);
    }
  }

  function overdue(at_ms: number): string | undefined {
    lookAgain_ms = Number.POSITIVE_INFINITY;
    for (const { watch, ended_ms } of due.values()) {
      if (at_ms <= ended_ms + WORD_MS) lookAgain_ms = Math.min(lookAgain_ms, ended_ms + WORD_MS);
      else if (!calm.since(watch.begun_ms - WORD_MS)) due.delete(watch.watch);
      else return `${watch.of} ended at ${(ended_ms / 1_000).toFixed(3)} s, and ${watch.by}, which watches it, has not been told`;
    }
    return undefined;
  }

  function broken(happened: Happened): string | undefined {
    switch (happened.what) {
      case "note": {
        if (happened.text !== WATCHES) return undefined;
        const watch: Watch = { ...(happened.data as Omit<Watch, "begun_ms">), begun_ms: happened.at_ms };
        watches.set(watch.watch, watch);
        byWatched.set(watch.of, (byWatched.get(watch.of) ?? new Set()).add(watch));
        return undefined;
      }
      case "turn begins": {
        if (happened.message.type !== "gone") return undefined;
        const { watch: number } = happened.message as WatchedEnded;
        const watch = watches.get(number);
        if (watch === undefined || watch.epoch !== happened.epoch)
          return `${happened.address} of epoch ${happened.epoch} is told of watch ${number}, which is not its own`;
        forget(watch);
        if ((endings.get(watch.of) ?? -1) >= watch.begun_ms || !calm.since(watch.begun_ms - WORD_MS)) return undefined;
        return `${watch.by} is told that ${watch.of} has ended, and it has not`;
      }
      case "turn ends":
        if (happened.message.type === "stop" && !happened.crashed) ended(happened.address, happened.at_ms);
        if (happened.crashed && kindOf(happened.address) === "stopper") ended(happened.address, happened.at_ms);
        return undefined;
      case "log": {
        const crash = crashOf(happened);
        if (crash?.follows === "escalate" || crash?.follows === "stop") endings.set(crash.actor, happened.at_ms);
        if (crash?.follows === "escalate") ended(crash.actor, happened.at_ms);
        return undefined;
      }
      case "activation failed":
      case "ended":
        endings.set(happened.address, happened.at_ms);
        // A watch ends with the activation that it belongs to.
        for (const watch of watches.values()) if (watch.by === happened.address && watch.epoch === happened.epoch) forget(watch);
        return undefined;
      default:
        return undefined;
    }
  }

  return {
    name: "who watches is told once of an ending, and of none that was not",
    saw(happened: Happened) {
      calm.saw(happened);
      return broken(happened) ?? (happened.at_ms > lookAgain_ms ? overdue(happened.at_ms) : undefined);
    },
  };
}

import type { RestartStrategy, Supervision } from "../../actor.ts";
import { type Address, kindOf } from "../../address.ts";
import type { Happened, Life } from "../happening.ts";
import type { Invariant } from "../scenario.ts";
import { crashOf } from "./crash-log.ts";
import { Leases } from "./pauses.ts";

/** Beyond its backoff a restart takes no longer than this: timers that fire late, clocks that run slow, a turn of the loop. */
const RESTART_SLACK_MS = 50;

/** After members changed, an actor may have to wait until all that are left have agreed, which takes a lease when one of them is dead. */
const SETTLE_MS = 20_000;

/** Clocks run fast by a thousandth, and a crash happens within a turn. */
const TIME_TOLERANCE = 0.99;

interface Awaited extends Life {
  readonly address: Address;
  readonly crashed_ms: number;
}

interface Supervised {
  readonly kind: string;
  readonly supervision: Supervision;
}

/**
 * An actor of a kind that restarts is active again on the same host after each crash: not before its backoff, and not long after the longest. It is
 * given up only after as many restarts as its limit allows, and never restarted oftener.
 */
export function restartsHappen(kinds: readonly Supervised[]): Invariant {
  const strategies = new Map<string, RestartStrategy>();
  for (const { kind, supervision } of kinds) if (supervision.strategy === "restart") strategies.set(kind, supervision);
  const awaited = new Map<string, Awaited>();
  const limits = new Limits();
  const leases = new Leases();
  const views = new Map<string, { readonly at_ms: number; readonly owns: (address: Address) => boolean }>();
  /** Hosts that stop their actors: none is restarted any more. */
  const leaving = new Set<string>();
  let lookAgain_ms = Number.POSITIVE_INFINITY;

  function crashed({ host, life, address, at_ms }: Life & { address: Address; at_ms: number }): void {
    const strategy = strategies.get(kindOf(address));
    if (strategy === undefined || leaving.has(host) || views.get(host)?.owns(address) === false) return;
    awaited.set(`${host} ${address}`, { host, life, address, crashed_ms: at_ms });
    lookAgain_ms = Math.min(lookAgain_ms, at_ms + strategy.backoff_max_ms + RESTART_SLACK_MS);
  }

  function said({ host, at_ms, ...happened }: Extract<Happened, { what: "log" }>): string | undefined {
    const crash = crashOf({ host, at_ms, ...happened });
    const strategy = crash && strategies.get(kindOf(crash.actor));
    // A host that leaves forgets what it counted, and so was that forgotten here.
    if (strategy === undefined || crash === undefined || leaving.has(host)) return undefined;
    if (crash.follows !== "restart") awaited.delete(`${host} ${crash.actor}`);
    return limits.crashed(`${host} ${crash.actor}`, crash.follows === "restart", at_ms, strategy);
  }

  function activated({ host, address, at_ms }: Extract<Happened, { what: "activated" }>): string | undefined {
    const crash = awaited.get(`${host} ${address}`);
    const strategy = strategies.get(kindOf(address));
    awaited.delete(`${host} ${address}`);
    if (crash === undefined || strategy === undefined) return undefined;
    const waited_ms = at_ms - crash.crashed_ms;
    if (waited_ms >= strategy.backoff_ms * TIME_TOLERANCE) return undefined;
    return `${address} was restarted ${waited_ms} ms after its crash, before its backoff of ${strategy.backoff_ms} ms`;
  }

  function overdue(at_ms: number): string | undefined {
    lookAgain_ms = Number.POSITIVE_INFINITY;
    for (const { host, address, crashed_ms } of awaited.values()) {
      const longest_ms = strategies.get(kindOf(address))?.backoff_max_ms ?? 0;
      const due_ms =
        Math.max(crashed_ms + longest_ms, leases.actingSince_ms(host, at_ms), (views.get(host)?.at_ms ?? 0) + SETTLE_MS) + RESTART_SLACK_MS;
      if (at_ms > due_ms) return `${address} crashed on ${host} at ${(crashed_ms / 1_000).toFixed(3)} s and was not restarted`;
      lookAgain_ms = Math.min(lookAgain_ms, due_ms);
    }
    return undefined;
  }

  function broken(happened: Happened): string | undefined {
    switch (happened.what) {
      case "turn ends":
        if (happened.crashed) crashed(happened);
        return undefined;
      case "activation failed":
        crashed(happened);
        return undefined;
      case "log":
        return said(happened);
      case "activated":
        return activated(happened);
      case "ended":
        if (!awaited.has(`${happened.host} ${happened.address}`)) limits.ended(`${happened.host} ${happened.address}`);
        return undefined;
      case "view":
      case "fenced": {
        const owns = happened.what === "view" ? happened.owns : () => false;
        views.set(happened.host, { at_ms: happened.at_ms, owns });
        limits.released(happened.host, owns);
        for (const [key, { host, address }] of awaited) if (host === happened.host && !owns(address)) awaited.delete(key);
        return undefined;
      }
      case "host begins":
        leaving.delete(happened.host);
        return undefined;
      case "host leaves":
      case "host ends":
        leaving.add(happened.host);
        if (happened.what === "host ends") limits.lost(happened.host);
        for (const [key, { host }] of awaited) if (host === happened.host) awaited.delete(key);
        return undefined;
      default:
        return undefined;
    }
  }

  return {
    name: "an actor that is to be restarted is, after its backoff and within its bounds",
    saw(happened: Happened) {
      leases.saw(happened);
      return broken(happened) ?? (happened.at_ms > lookAgain_ms ? overdue(happened.at_ms) : undefined);
    },
    atRest: overdue,
  };
}

/** Counts restarts, twice: an address that was at rest in between may have begun to count anew, and may not. */
class Limits {
  readonly #most = new Map<string, number[]>();
  readonly #least = new Map<string, number[]>();

  crashed(key: string, restarts: boolean, at_ms: number, { limit }: RestartStrategy): string | undefined {
    if (limit === undefined) return restarts ? undefined : `${key} was given up, without a limit`;
    const [most, least] = [this.#most, this.#least].map((restartsOf) => {
      const all = restartsOf.get(key) ?? [];
      restartsOf.set(key, all);
      return all;
    });
    const within = (times: number[] | undefined, within_ms: number): number =>
      times?.filter((time_ms) => time_ms > at_ms - within_ms).length ?? 0;
    const { restarts_max, within_ms } = limit;
    if (!restarts && within(most, within_ms / TIME_TOLERANCE) < restarts_max)
      return `${key} was given up after ${within(most, within_ms / TIME_TOLERANCE)} restarts in ${within_ms} ms`;
    if (restarts && within(least, within_ms * TIME_TOLERANCE) >= restarts_max)
      return `${key} is restarted after ${within(least, within_ms * TIME_TOLERANCE)} restarts in ${within_ms} ms`;
    if (restarts) for (const times of [most, least]) times?.push(at_ms);
    else this.ended(key);
    return undefined;
  }

  ended(key: string): void {
    this.#least.delete(key);
  }

  /** These begin to count anew when they come back. */
  released(host: string, owns: (address: Address) => boolean): void {
    for (const key of [...this.#least.keys()])
      if (key.startsWith(`${host} `) && !owns(key.slice(host.length + 1) as Address)) this.ended(key);
  }

  lost(host: string): void {
    for (const key of [...this.#most.keys()]) if (key.startsWith(`${host} `)) this.#forget(key);
  }

  #forget(key: string): void {
    this.#most.delete(key);
    this.#least.delete(key);
  }
}

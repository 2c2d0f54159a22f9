import type { Clock, Random, Timer } from "../../runtime/mod.ts";
import { LeaseKind } from "../kinds/coordination/lease.ts";
import { renewedText } from "../kinds/coordination/lease-text.ts";
import { NODE_OF_NAME } from "../registry/authors.ts";
import type { ObjectWrites } from "../registry/registry.ts";
import { microTimestamp } from "../registry/timestamps.ts";
import { LEASE_NAMESPACE } from "./node-object.ts";

/** Source: kubelet's nodeLeaseRenewIntervalFraction. */
export const LEASE_RENEW_MS = 10_000;
/** After a write that failed. */
const RETRY_MS = 1_000;
/** Nodes that renew together, until there are so many of such rounds that more would be a write each few hundred milliseconds. */
const ROUND_NODES = 50;
const ROUNDS_MAX = 10;
/** Of one transaction: a host may play thousands. */
const RENEWALS_MAX = 500;

/** A node, as far as its heartbeat is concerned. */
export interface Heart {
  readonly name: string;
  /** Whether its lease is to be renewed now. */
  beats(): boolean;
  /** Its lease was renewed. */
  renewed(): void;
  /** It was not: it is not there, not as expected, or somebody else has changed one of those renewed together. What there is to do is the node's affair. */
  missed(): void;
  /** Nothing could be written, and is tried again soon. */
  failed(error: unknown): void;
}

/**
 * The heartbeats of all nodes of a host. A timer, a turn and a question to the writer of its own for each would be hundreds of each a second where
 * thousands of nodes are played; so nodes renew in rounds, each at a moment of its own within the period, and a round is one write.
 */
export class LeaseRenewals {
  readonly #registry: ObjectWrites;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #rounds = new Set<Round>();

  constructor(registry: ObjectWrites, clock: Clock, random: Random) {
    this.#registry = registry;
    this.#clock = clock;
    this.#random = random;
  }

  /** From now on the lease is renewed; returns how to end that. The first time is within the period. */
  join(heart: Heart): () => void {
    const round = this.#roundForOneMore();
    round.hearts.add(heart);
    return () => {
      round.hearts.delete(heart);
      if (round.hearts.size > 0) return;
      round.timer?.cancel();
      this.#rounds.delete(round);
    };
  }

  #roundForOneMore(): Round {
    let smallest: Round | undefined;
    for (const round of this.#rounds) {
      if (round.hearts.size < ROUND_NODES) return round;
      if (round.hearts.size < (smallest?.hearts.size ?? Number.POSITIVE_INFINITY)) smallest = round;
    }
    if (smallest !== undefined && this.#rounds.size >= ROUNDS_MAX) return smallest;
    const round: Round = { hearts: new Set(), timer: undefined };
    this.#rounds.add(round);
    this.#planNext(round, this.#random.next() * LEASE_RENEW_MS);
    return round;
  }

  #planNext(round: Round, delay_ms: number): void {
    round.timer = this.#clock.after(delay_ms, () => void this.#renew(round));
  }

  async #renew(round: Round): Promise<void> {
    const begun_ms = this.#clock.monotonic_ms();
    const beating = [...round.hearts].filter((heart) => heart.beats());
    const writes: Promise<boolean>[] = [];
    for (let from = 0; from < beating.length; from += RENEWALS_MAX)
      writes.push(this.#renewTogether(round, beating.slice(from, from + RENEWALS_MAX)));
    const written = (await Promise.all(writes)).every((done) => done);
    const took_ms = this.#clock.monotonic_ms() - begun_ms;
    if (this.#rounds.has(round)) this.#planNext(round, written ? Math.max(RETRY_MS, LEASE_RENEW_MS - took_ms) : RETRY_MS);
  }

  /** False when nothing could be written. */
  async #renewTogether(round: Round, hearts: readonly Heart[]): Promise<boolean> {
    const renewTime = microTimestamp(this.#clock.now_ms());
    const names = hearts.map(({ name }) => name);
    try {
      const renewed = await this.#registry.rewriteTogether(
        LeaseKind,
        LEASE_NAMESPACE,
        names,
        (text, name) => renewedText(text, name, renewTime),
        { fieldManager: "kubelet", author: NODE_OF_NAME },
      );
      for (const heart of hearts) {
        if (!round.hearts.has(heart)) continue;
        if (renewed.has(heart.name)) heart.renewed();
        else heart.missed();
      }
      return true;
    } catch (error) {
      for (const heart of hearts) heart.failed(error);
      return false;
    }
  }
}

interface Round {
  readonly hearts: Set<Heart>;
  timer: Timer | undefined;
}

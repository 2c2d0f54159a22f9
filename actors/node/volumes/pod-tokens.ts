import type { Clock } from "../../../runtime/mod.ts";
import type { Pod } from "../../kinds/generated/types.ts";
import { type TokenWanted, tokenKey } from "./volume-files.ts";

export type IssueToken = (pod: Pod, audience: string | undefined, seconds: number) => Promise<string>;

interface Held {
  readonly token: string;
  readonly renewAt_ms: number;
  readonly expiresAt_ms: number;
}

const MS_PER_S = 1_000;
/** Of its life, after which a token is replaced. Source: requiresRefresh of pkg/kubelet/token. */
const RENEW_FRACTION = 0.8;
const RENEW_MAX_MS = 24 * 3_600_000;
/** Before a renewal that failed is tried again. */
const RETRY_MS = 10_000;

/** The service account tokens of one pod. One is renewed when four fifths of its life are over, and while that fails the old one serves until it expires. */
export class PodTokens {
  readonly #issue: IssueToken;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();

  constructor(issue: IssueToken, clock: Clock) {
    this.#issue = issue;
    this.#clock = clock;
  }

  /** Throws what the issuer throws. */
  async token(pod: Pod, wanted: TokenWanted): Promise<string> {
    const key = tokenKey(wanted);
    const now_ms = this.#clock.now_ms();
    const held = this.#held.get(key);
    if (held !== undefined && now_ms < held.renewAt_ms) return held.token;
    const life_ms = wanted.seconds * MS_PER_S;
    try {
      const token = await this.#issue(pod, wanted.audience, wanted.seconds);
      const renewAt_ms = now_ms + Math.min(life_ms * RENEW_FRACTION, RENEW_MAX_MS);
      this.#held.set(key, { token, renewAt_ms, expiresAt_ms: now_ms + life_ms });
      return token;
    } catch (error) {
      if (held === undefined || now_ms >= held.expiresAt_ms) throw error;
      this.#held.set(key, { ...held, renewAt_ms: Math.min(now_ms + RETRY_MS, held.expiresAt_ms) });
      return held.token;
    }
  }

  /** When the first of them is to be renewed; undefined: there are none. */
  get renewAt_ms(): number | undefined {
    const times = [...this.#held.values()].map(({ renewAt_ms }) => renewAt_ms);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

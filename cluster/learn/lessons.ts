import type { Attempt, Challenge, Learner, Tier } from "../../actors/controllers/learn/learn-objects.ts";
import { learnerName } from "../../actors/controllers/learn/learner.ts";
import { BootFailure } from "../boot/failure.ts";
import { typed } from "../command-line/typed.ts";
import { ApiRefusal, type Session } from "../joining/session.ts";

const API = "/apis/learn.troupe.dev/v1";
const KIND = { apiVersion: "learn.troupe.dev/v1", kind: "Attempt" };
const TIERS: readonly Tier[] = ["bronze", "silver", "gold"];
/** Setups wait for pods; all that are longer under way are stuck. */
const SETUP_MS = 120_000;
const POLL_MS = 200;

interface List<T> {
  readonly items: readonly T[];
}

/** A challenge, and how far somebody is with it: what `troupe learn -o json` lists. */
export interface Lesson {
  readonly number: number;
  readonly name: string;
  readonly title: string;
  readonly tier: Tier;
  readonly points: number;
  readonly state: "new" | "setting up" | "active" | "solved" | "failed";
  /** Of an attempt that is under way, or was. */
  readonly namespace?: string;
}

/** Learning by playing, as whom a session is: all of it through the API. */
export class Lessons {
  readonly #session: Session;
  readonly user: string;

  private constructor(session: Session, user: string) {
    this.#session = session;
    this.user = user;
  }

  /** Throws BootFailure. */
  static async of(session: Session): Promise<Lessons> {
    const review = await session.call<{ status: { userInfo: { username: string } } }>(
      "POST",
      "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      {},
    );
    return new Lessons(session, review.status.userInfo.username);
  }

  /** Challenges in the order in which one takes them; undefined: nothing of the kind is installed. */
  async challenges(): Promise<readonly Challenge[] | undefined> {
    const list = await this.#session.find<List<Challenge>>(`${API}/challenges`);
    return list?.items.toSorted(
      (a, b) => placeOf(a) - placeOf(b) || a.spec.points - b.spec.points || (a.metadata.name < b.metadata.name ? -1 : 1),
    );
  }

  async list(): Promise<readonly Lesson[]> {
    const [challenges = [], attempts, learner] = await Promise.all([this.challenges(), this.#attempts(), this.learner()]);
    return challenges.map(({ metadata: { name }, spec: { title, tier, points } }, index): Lesson => {
      const attempt = attempts.findLast(({ spec }) => spec.challenge === name);
      const namespace = attempt?.status?.namespace;
      return {
        number: index + 1,
        name,
        title,
        tier,
        points,
        state: learner?.status?.solved.some(({ challenge }) => challenge === name) ? "solved" : stateOf(attempt),
        ...(namespace === undefined ? {} : { namespace }),
      };
    });
  }

  /** A challenge by its name, or its number in the list. Throws BootFailure. */
  async challenge(named: string): Promise<Challenge> {
    const all = (await this.challenges()) ?? [];
    const found = all.find(({ metadata }, index) => metadata.name === named || String(index + 1) === named);
    if (found === undefined) throw new BootFailure(`there is no challenge ${named}; ${typed("learn")} lists those there are`);
    return found;
  }

  /** The newest attempt of a challenge; undefined: it was not begun. */
  async attempt({ metadata: { name } }: Challenge): Promise<Attempt | undefined> {
    return (await this.#attempts()).findLast(({ spec }) => spec.challenge === name);
  }

  /** Begins a challenge, or goes on with it. Resolves when all is set up. Throws BootFailure. */
  async start(challenge: Challenge): Promise<Attempt> {
    const { name } = challenge.metadata;
    const existing = await this.attempt(challenge);
    const spec = { challenge: name, user: this.user };
    const { metadata } =
      existing ?? (await this.#session.call<Attempt>("POST", `${API}/attempts`, { ...KIND, metadata: { generateName: `${name}-` }, spec }));
    const deadline_ms = performance.now() + SETUP_MS;
    for (;;) {
      const attempt = await this.#session.call<Attempt>("GET", `${API}/attempts/${metadata.name}`);
      const { phase, message } = attempt.status ?? {};
      if (phase === "Active" || phase === "Solved") return attempt;
      if (phase === "Failed")
        throw new BootFailure(`the challenge ${name} cannot be set up: ${message}; ${typed(`learn reset ${name}`)} takes it back`);
      if (performance.now() > deadline_ms) throw new BootFailure(stuck(name, attempt));
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Takes all attempts of a challenge back, with all that is in their namespaces; points that were earned stay. Gives how many there were. */
  async reset({ metadata: { name } }: Challenge): Promise<number> {
    const attempts = (await this.#attempts()).filter(({ spec }) => spec.challenge === name);
    for (const { metadata } of attempts) {
      await this.#session.call("DELETE", `${API}/attempts/${metadata.name}`).catch((error: unknown) => {
        if (!(error instanceof ApiRefusal) || error.status !== 404) throw error;
      });
    }
    return attempts.length;
  }

  learner(): Promise<Learner | undefined> {
    return this.#session.find<Learner>(`${API}/learners/${learnerName(this.user)}`);
  }

  /** All learners, who has most points first. */
  async leaderboard(): Promise<readonly Learner[]> {
    const { items = [] } = (await this.#session.find<List<Learner>>(`${API}/learners`)) ?? {};
    return items.toSorted((a, b) => (b.status?.points ?? 0) - (a.status?.points ?? 0) || (a.spec.user < b.spec.user ? -1 : 1));
  }

  async #attempts(): Promise<readonly Attempt[]> {
    const query = new URLSearchParams({ fieldSelector: `spec.user=${escaped(this.user)}` });
    const { items = [] } = (await this.#session.find<List<Attempt>>(`${API}/attempts?${query}`)) ?? {};
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .toSorted((a, b) => ((a.metadata.creationTimestamp ?? "") < (b.metadata.creationTimestamp ?? "") ? -1 : 1));
  }
}

function placeOf({ spec: { tier } }: Challenge): number {
  return TIERS.indexOf(tier);
}

function stateOf(attempt: Attempt | undefined): Lesson["state"] {
  switch (attempt?.status?.phase) {
    case undefined:
      return attempt === undefined ? "new" : "setting up";
    case "SettingUp":
      return "setting up";
    case "Active":
      return "active";
    case "Solved":
      return "solved";
    case "Failed":
      return "failed";
  }
}

function stuck(name: string, { status }: Attempt): string {
  return status === undefined
    ? `nobody sets the challenge ${name} up: the cluster has no controllers (--only api?), or another version of them`
    : `the challenge ${name} is being set up for more than ${SETUP_MS / 1_000} s, in the namespace ${status.namespace}; ${typed(`learn start ${name}`)} waits on`;
}

/** A value of a field selector. Source: fields.EscapeValue. */
function escaped(value: string): string {
  return value.replaceAll(/[\\,=]/g, "\\$&");
}

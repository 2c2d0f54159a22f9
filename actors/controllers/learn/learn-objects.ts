import type { KubeObject } from "../../kinds/object.ts";

/** The custom resources of learning by playing. docs/learn.md says what each is for; cluster/learn/definitions.yaml defines them. */
export const LEARN_GROUP = "learn.troupe.dev";
export const LEARN_VERSION = "v1";
export const CHALLENGES = "challenges.learn.troupe.dev";
export const ATTEMPTS = "attempts.learn.troupe.dev";
export const LEARNERS = "learners.learn.troupe.dev";
export const BADGES = "badges.learn.troupe.dev";

/** As whom the controller writes: nobody else may write how far somebody is. cluster/learn/definitions.yaml holds others to it. */
export const LEARN_COMPONENT = "learn-controller";

/** On what an attempt has of its own outside of its namespace: which attempt. */
export const ATTEMPT_LABEL = "learn.troupe.dev/attempt";

export type Tier = "bronze" | "silver" | "gold";

export interface Challenge extends KubeObject {
  readonly spec: ChallengeSpec;
}

export interface ChallengeSpec {
  readonly title: string;
  readonly tier: Tier;
  readonly points: number;
  /** What is to be done. */
  readonly text: string;
  readonly hints?: readonly string[];
  /** What is there before the learner begins, one step after another. */
  readonly setup?: readonly SetupStep[];
  /** Resources whose objects are noted when the learner begins: `recorded` of expressions. */
  readonly record?: readonly string[];
  /** When all hold the challenge is solved. */
  readonly checks: readonly Check[];
}

export interface SetupStep {
  /** Manifests; what is there already is changed. In them `$(namespace)` stands for the attempt's. */
  readonly objects?: readonly Manifest[];
  /** CEL: the next step waits until this holds. */
  readonly until?: string;
}

export type Manifest = Readonly<Record<string, unknown>> & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
};

export interface Check {
  readonly name: string;
  /** What holds, in words. */
  readonly says: string;
  /** CEL, true when it holds. */
  readonly expression: string;
  /** It is enough that it held at one time, after the checks named in `after` did; else all must hold at the same time. */
  readonly once?: boolean;
  /** Looked at only since these, which are `once`, have held. */
  readonly after?: readonly string[];
}

export interface Attempt extends KubeObject {
  readonly spec: { readonly challenge: string; readonly user: string };
  readonly status?: AttemptStatus;
}

export type AttemptPhase = "SettingUp" | "Active" | "Solved" | "Failed";

export interface AttemptStatus {
  readonly phase: AttemptPhase;
  readonly message?: string;
  readonly namespace: string;
  /** The setup step that is under way, and whether its objects are made. */
  readonly step?: number;
  readonly made?: boolean;
  readonly startedAt?: string;
  readonly solvedAt?: string;
  /** What setup made: `deployments/web`, and as what. */
  readonly setup?: Readonly<Record<string, SetupObject>>;
  /** UIDs of the objects that were there when the learner began, by resource. */
  readonly recorded?: Readonly<Record<string, readonly string[]>>;
  readonly checks?: readonly CheckStatus[];
}

export interface SetupObject {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
}

export interface CheckStatus {
  readonly name: string;
  readonly says: string;
  readonly holds: boolean;
  /** Of a check that is `once`: when it held. */
  readonly heldAt?: string;
  /** Why it cannot be said. */
  readonly message?: string;
}

export interface Learner extends KubeObject {
  readonly spec: { readonly user: string };
  readonly status?: LearnerStatus;
}

export interface LearnerStatus {
  readonly points: number;
  readonly solved: readonly Solved[];
  readonly badges: readonly string[];
}

export interface Solved {
  readonly challenge: string;
  readonly tier: Tier;
  readonly points: number;
  readonly at: string;
}

export interface Badge extends KubeObject {
  readonly spec: {
    readonly title: string;
    readonly tier: Tier;
    readonly text: string;
    /** Who has all of this has it. */
    readonly requires: { readonly points?: number; readonly challenges?: readonly string[]; readonly allOfTier?: Tier };
  };
}

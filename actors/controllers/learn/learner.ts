import { createHash } from "node:crypto";
import type { Badge, Challenge, LearnerStatus, Solved } from "./learn-objects.ts";

const SLUG_CHARS = 40;
const HASH_CHARS = 8;

/** What the Learner of a user is called: readable, a name that Kubernetes takes, and another for every user. */
export function learnerName(user: string): string {
  const slug = user
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, SLUG_CHARS)
    .replaceAll(/^-+|-+$/g, "");
  const hash = createHash("sha256").update(user).digest("hex").slice(0, HASH_CHARS);
  return slug === "" ? hash : `${slug}-${hash}`;
}

/** What a learner has when this is solved, too. A challenge counts once, with the points that it had then. */
export function withSolved(
  status: LearnerStatus | undefined,
  solved: Solved,
  badges: readonly Badge[],
  challenges: readonly Challenge[],
): LearnerStatus {
  const before = status?.solved ?? [];
  const all = before.some(({ challenge }) => challenge === solved.challenge) ? before : [...before, solved];
  const points = all.reduce((sum, each) => sum + each.points, 0);
  const earned = badges.filter((badge) => isEarned(badge, points, all, challenges)).map(({ metadata }) => metadata.name);
  // What was earned stays, also when more challenges come.
  return { points, solved: all, badges: [...new Set([...(status?.badges ?? []), ...earned])].sort() };
}

function isEarned({ spec: { requires } }: Badge, points: number, solved: readonly Solved[], challenges: readonly Challenge[]): boolean {
  const done = new Set(solved.map(({ challenge }) => challenge));
  const wanted = [
    ...(requires.challenges ?? []),
    ...(requires.allOfTier === undefined
      ? []
      : challenges.filter(({ spec }) => spec.tier === requires.allOfTier).map(({ metadata }) => metadata.name)),
  ];
  return points >= (requires.points ?? 0) && wanted.every((name) => done.has(name)) && (wanted.length > 0 || requires.points !== undefined);
}

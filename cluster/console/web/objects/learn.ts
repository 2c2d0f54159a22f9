import type { AnyObject } from "./subject.ts";

/** The kinds of learning by playing, as docs/learn.md has them: as much as the console shows. */
export const LEARN_API = "/apis/learn.troupe.dev/v1";

export interface Challenge extends AnyObject {
  readonly spec: {
    readonly title: string;
    readonly tier: Tier;
    readonly points: number;
    readonly text: string;
    readonly hints?: readonly string[];
  };
}

export type Tier = "bronze" | "silver" | "gold";
export const TIERS: readonly Tier[] = ["bronze", "silver", "gold"];

export interface Attempt extends AnyObject {
  readonly spec: { readonly challenge: string; readonly user: string };
  readonly status?: {
    readonly phase: "SettingUp" | "Active" | "Solved" | "Failed";
    readonly message?: string;
    readonly namespace: string;
    readonly checks?: readonly {
      readonly name: string;
      readonly says: string;
      readonly holds: boolean;
      readonly heldAt?: string;
      readonly message?: string;
    }[];
  };
}

export interface Learner extends AnyObject {
  readonly spec: { readonly user: string };
  readonly status?: {
    readonly points: number;
    readonly solved: readonly { readonly challenge: string }[];
    readonly badges: readonly string[];
  };
}

export interface Badge extends AnyObject {
  readonly spec: { readonly title: string; readonly tier: Tier; readonly text: string };
}

/** In the order in which one takes them. */
export function inOrder(challenges: Iterable<Challenge>): readonly Challenge[] {
  const place = ({ spec }: Challenge): number => TIERS.indexOf(spec.tier);
  return [...challenges].sort(
    (a, b) => place(a) - place(b) || a.spec.points - b.spec.points || (a.metadata.name < b.metadata.name ? -1 : 1),
  );
}

/** A value of a field selector. Source: fields.EscapeValue. */
export function escaped(value: string): string {
  return value.replaceAll(/[\\,=]/g, "\\$&");
}

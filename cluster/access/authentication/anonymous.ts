/** Whether who shows nothing is let in as anonymous; roles then say what that is good for. */
export interface AnonymousRule {
  readonly enabled: boolean;
  /** At these paths only; undefined: everywhere. */
  readonly paths: readonly string[] | undefined;
}

/** Everywhere. */
export const ANYBODY: AnonymousRule = { enabled: true, paths: undefined };

export function mayBeAnonymous({ enabled, paths }: AnonymousRule, url = "/"): boolean {
  return enabled && (paths === undefined || paths.includes(url.split("?", 1)[0] ?? ""));
}

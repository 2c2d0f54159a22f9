/**
 * Tokens that live in secrets, do not end, and that Kubernetes made by itself for every service account before 1.24. Who checks tokens keeps track of
 * their use, and those that nobody has used for long are taken away. Source: pkg/serviceaccount/legacy.go and pkg/controlplane/controller/legacytokentracking;
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#legacy-serviceaccount-token-tracking-controller
 */

/** The day on which a secret's token was used last. */
export const LAST_USED = "kubernetes.io/legacy-token-last-used";
/** The day since which a secret's token is refused. */
export const INVALID_SINCE = "kubernetes.io/legacy-token-invalid-since";
/** Says since which day track is kept. */
export const TRACKING: { readonly namespace: string; readonly name: string } = {
  namespace: "kube-system",
  name: "kube-apiserver-legacy-service-account-token-tracking",
};

const DAY_MS = 24 * 3_600_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/** The day of a moment, in UTC: days compare as texts. */
export function dayOf(at_ms: number): string {
  return new Date(at_ms).toISOString().slice(0, 10);
}

/** When a day begins; undefined when the text names none. */
export function startOfDay(day: string | undefined): number | undefined {
  if (day === undefined || !DATE.test(day)) return undefined;
  const at_ms = Date.parse(`${day}T00:00:00Z`);
  // 31 February is read as a day of March.
  return Number.isNaN(at_ms) || dayOf(at_ms) !== day ? undefined : at_ms;
}

/** The first moment of which it is certain that track was kept; undefined when nobody says since when it is. */
export function trackedFrom(since: string | undefined): number | undefined {
  const begun_ms = startOfDay(since);
  return begun_ms === undefined ? undefined : begun_ms + DAY_MS;
}

/** Whether the use of a token today is to be written down. Clocks of several servers may have reached tomorrow. */
export function isNewUse(lastUsed: string | undefined, now_ms: number): boolean {
  return lastUsed !== dayOf(now_ms) && lastUsed !== dayOf(now_ms + DAY_MS);
}

import { secretsOf } from "../../kinds/core/pod-references.ts";
import { SecretKind } from "../../kinds/core/secret.ts";
import type { ConfigMap, Pod, Secret, ServiceAccount } from "../../kinds/generated/types.ts";
import { controllerAccount } from "../../registry/authors.ts";
import type { View } from "../../store/view.ts";
import { anyKind, modify, remove } from "../actions.ts";
import { type Action, type Controller, NO_KEYS, NOTHING } from "../controller.ts";
import { dayOf, INVALID_SINCE, LAST_USED, startOfDay, TRACKING, trackedFrom } from "./legacy-tokens.ts";

const TRACKING_KEY = `configmaps/${TRACKING.namespace}/${TRACKING.name}`;
const TYPE = "kubernetes.io/service-account-token";
const ACCOUNT = "kubernetes.io/service-account.name";
const ACCOUNT_UID = "kubernetes.io/service-account.uid";
/** Source: --legacy-service-account-token-clean-up-period. */
const UNUSED_MS = 8_760 * 3_600_000;
/** Source: DefaultCleanerSyncInterval. */
const LOOK_PERIOD_MS = 24 * 3_600_000;

/**
 * Takes away tokens that were made for service accounts without being asked for, that no pod mounts and that nobody has used for a year: they are
 * refused from then on, and a year later their secrets are deleted. Looks once a day and not at changes: who lets such a token be used again, by taking
 * the label off, has the rest of the day to use it. Source: pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go.
 */
export const legacyTokenCleaner: Controller = {
  name: "legacy-service-account-token-cleaner",
  component: "legacy-service-account-token-cleaner",
  author: controllerAccount("legacy-service-account-token-cleaner"),
  kind: anyKind(SecretKind),
  watches: [{ resource: "configmaps", keys: ({ now }) => (now?.key === TRACKING_KEY ? [TRACKING_KEY] : NO_KEYS) }],
  resync: { period_ms: LOOK_PERIOD_MS, keys: () => [TRACKING_KEY] },
  reconcile,
};

function reconcile(view: View, key: string, now_ms: number): readonly Action[] {
  const from_ms = trackedFrom(view.get<ConfigMap>(key)?.data?.since);
  if (from_ms === undefined || now_ms < from_ms + UNUSED_MS) return NOTHING;
  return view.list("secrets").flatMap((entry): readonly Action[] => {
    if (!entry.text.includes(TYPE)) return NOTHING;
    const secret = view.decode<Secret>(entry);
    return isUnused(view, secret, now_ms) ? outdated(secret, now_ms) : NOTHING;
  });
}

function isUnused(view: View, secret: Secret, now_ms: number): boolean {
  const { metadata, type } = secret;
  if (type !== TYPE || metadata.deletionTimestamp !== undefined) return false;
  if (Date.parse(metadata.creationTimestamp) >= now_ms - UNUSED_MS) return false;
  const lastUsed = metadata.labels?.[LAST_USED];
  // Of what is no day nobody can tell whether it is long ago.
  if (lastUsed !== undefined && (startOfDay(lastUsed) === undefined || lastUsed >= dayOf(now_ms - UNUSED_MS))) return false;
  return wasMadeUnasked(view, secret) && !isMounted(view, secret);
}

/** Only those have their name among the secrets of their account. */
function wasMadeUnasked(view: View, { metadata: { namespace, name, annotations = {} } }: Secret): boolean {
  const account = view.get<ServiceAccount>(`serviceaccounts/${namespace}/${annotations[ACCOUNT]}`);
  const uid = annotations[ACCOUNT_UID];
  if (account === undefined || (uid !== undefined && uid !== "" && uid !== account.metadata.uid)) return false;
  return account.secrets?.some((reference) => reference.name === name) === true;
}

function isMounted(view: View, { metadata: { namespace, name } }: Secret): boolean {
  return view.list("pods", namespace).some((pod) => pod.text.includes(name) && [...secretsOf(view.decode<Pod>(pod))].includes(name));
}

/** It is refused from now on, and goes when it has been for long enough. */
function outdated(secret: Secret, now_ms: number): readonly Action[] {
  const { resourceVersion = "", labels } = secret.metadata;
  const invalidSince = labels?.[INVALID_SINCE];
  if (invalidSince !== undefined && startOfDay(invalidSince) !== undefined)
    return invalidSince < dayOf(now_ms - UNUSED_MS) ? [remove(SecretKind, secret, { preconditions: { resourceVersion } })] : NOTHING;
  const refused = (current: Secret): Secret => ({
    ...current,
    metadata: { ...current.metadata, labels: { ...current.metadata.labels, [INVALID_SINCE]: dayOf(now_ms) } },
  });
  return [modify(SecretKind, secret, refused)];
}

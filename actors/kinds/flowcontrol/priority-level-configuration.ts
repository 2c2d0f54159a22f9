import { defineKind, statusApart } from "../define-kind.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { nonNegative, positive } from "../field-rules.ts";
import type { LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE } from "../table.ts";
import { STATUS } from "../verbs.ts";

const SHARES = 30;
const QUEUES = 64;
const QUEUES_MAX = 10_000_000;
const HAND_SIZE = 8;
const QUEUE_LENGTH_MAX = 50;

/** Source: SetDefaults_LimitedPriorityLevelConfiguration and its like. */
function applyDefaults({ spec }: PriorityLevelConfiguration): void {
  if (spec?.exempt !== undefined) {
    spec.exempt.nominalConcurrencyShares ??= 0;
    spec.exempt.lendablePercent ??= 0;
  }
  if (spec?.limited === undefined) return;
  spec.limited.nominalConcurrencyShares ??= SHARES;
  spec.limited.lendablePercent ??= 0;
  const queuing = spec.limited.limitResponse?.queuing;
  if (queuing === undefined) return;
  queuing.handSize ||= HAND_SIZE;
  queuing.queues ||= QUEUES;
  queuing.queueLengthLimit ||= QUEUE_LENGTH_MAX;
}

function validateResponse(response: LimitResponse | undefined, field: string): FieldError[] {
  const { type = "", queuing } = response ?? {};
  if (type === "Reject") {
    return queuing === undefined ? [] : [forbidden(`${field}.queuing`, "must be nil if limited.limitResponse.type is not Limited")];
  }
  if (type !== "Queue") return [notSupported(`${field}.type`, type, ["Queue", "Reject"])];
  if (queuing === undefined) return [required(`${field}.queuing`, "must not be empty if limited.limitResponse.type is Limited")];
  const { queues = 0, handSize = 0, queueLengthLimit } = queuing;
  const path = `${field}.queuing`;
  const errors = positive(queueLengthLimit, `${path}.queueLengthLimit`);
  if (queues <= 0) errors.push(invalid(`${path}.queues`, queues, "must be positive"));
  if (queues > QUEUES_MAX) errors.push(invalid(`${path}.queues`, queues, `must not be greater than ${QUEUES_MAX}`));
  if (handSize <= 0) errors.push(invalid(`${path}.handSize`, handSize, "must be positive"));
  if (handSize > queues) errors.push(invalid(`${path}.handSize`, handSize, `should not be greater than queues (${queues})`));
  return errors;
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, field: string): FieldError[] {
  const { nominalConcurrencyShares: shares = 0, lendablePercent = 0, borrowingLimitPercent } = limited;
  const errors = shares < 0 ? [invalid(`${field}.nominalConcurrencyShares`, shares, "must be a non-negative integer")] : [];
  errors.push(...validateResponse(limited.limitResponse, `${field}.limitResponse`));
  if (lendablePercent < 0 || lendablePercent > 100) {
    errors.push(invalid(`${field}.lendablePercent`, lendablePercent, "must be between 0 and 100, inclusive"));
  }
  return [...errors, ...nonNegative(borrowingLimitPercent, `${field}.borrowingLimitPercent`)];
}

/** Source: ValidatePriorityLevelConfiguration. */
function validate({ metadata, spec }: PriorityLevelConfiguration): FieldError[] {
  const errors = validateObjectMeta(metadata, false, dnsSubdomain);
  const { type = "", limited, exempt } = spec;
  if ((metadata.name === "exempt") !== (type === "Exempt")) {
    errors.push(invalid("spec.type", type, "type must be 'Exempt' if and only if name is 'exempt'"));
  }
  switch (type) {
    case "Exempt":
      if (limited !== undefined) errors.push(forbidden("spec.limited", "must be nil if the type is not Limited"));
      return errors;
    case "Limited":
      if (exempt !== undefined) errors.push(forbidden("spec.exempt", "must be nil if the type is Limited"));
      if (limited === undefined) errors.push(required("spec.limited", "must not be empty when type is Limited"));
      else errors.push(...validateLimited(limited, "spec.limited"));
      return errors;
    default:
      return [...errors, notSupported("spec.type", type, ["Exempt", "Limited"])];
  }
}

export const PriorityLevelConfigurationKind: Kind<PriorityLevelConfiguration> = defineKind<PriorityLevelConfiguration>({
  group: "flowcontrol.apiserver.k8s.io",
  kind: "PriorityLevelConfiguration",
  plural: "prioritylevelconfigurations",
  namespaced: false,
  statusKeepsMetadata: true,
  subresources: [STATUS],
  tracksGeneration: true,
  applyDefaults,
  ...statusApart<PriorityLevelConfiguration>(() => ({})),
  validate,
  columns: [
    NAME_COLUMN,
    column("Type", "Whether there is a limit"),
    column("NominalConcurrencyShares", "Its part of the seats"),
    column("Queues", "How many queues it has"),
    column("HandSize", "How many of them a flow may use"),
    column("QueueLengthLimit", "How long a queue may be"),
    AGE_COLUMN,
  ],
  cells: (level, now_ms) => {
    const { spec, metadata } = level;
    const queuing = spec.limited?.limitResponse?.queuing;
    return [
      metadata.name,
      spec.type ?? "",
      spec.limited?.nominalConcurrencyShares ?? spec.exempt?.nominalConcurrencyShares ?? NONE,
      queuing?.queues ?? NONE,
      queuing?.handSize ?? NONE,
      queuing?.queueLengthLimit ?? NONE,
      ageOf(level, now_ms),
    ];
  },
});

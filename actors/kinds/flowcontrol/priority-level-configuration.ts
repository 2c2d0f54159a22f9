import { defineKind, statusApart } from "../define-kind.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import type { LimitedPriorityLevelConfiguration, LimitResponse, PriorityLevelConfiguration } from "../generated/types.ts";
import { internalForm } from "../internal-form.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, NONE } from "../table.ts";
import { STATUS } from "../verbs.ts";
import { validateConditions } from "./conditions.ts";
import { MANDATORY_LEVELS } from "./mandatory.ts";

const SHARES = 30;
const QUEUES = 64;
const QUEUES_MAX = 10_000_000;
const HAND_SIZE = 8;
const HASH_BITS_MAX = 60;
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
  const { queues = 0, handSize = 0, queueLengthLimit = 0 } = queuing;
  const path = `${field}.queuing`;
  const errors = queueLengthLimit > 0 ? [] : [invalid(`${path}.queueLengthLimit`, queueLengthLimit, "must be positive")];
  if (queues <= 0) errors.push(invalid(`${path}.queues`, queues, "must be positive"));
  else if (queues > QUEUES_MAX) errors.push(invalid(`${path}.queues`, queues, `must not be greater than ${QUEUES_MAX}`));
  const words = wrongHand(queues, handSize);
  return words === undefined ? errors : [...errors, invalid(`${path}.handSize`, handSize, words)];
}

/** A hash must be long enough to deal a hand from it. Source: shufflesharding.RequiredEntropyBits. */
function wrongHand(queues: number, handSize: number): string | undefined {
  if (handSize <= 0) return "must be positive";
  if (handSize > queues) return `should not be greater than queues (${queues})`;
  if (Math.ceil(Math.log2(queues) * handSize) <= HASH_BITS_MAX) return undefined;
  return `required entropy bits of deckSize ${queues} and handSize ${handSize} should not be greater than ${HASH_BITS_MAX}`;
}

function validateShare(share: number | undefined, field: string): FieldError[] {
  return share !== undefined && share < 0 ? [invalid(field, share, "must be a non-negative integer")] : [];
}

function validateLendable(percent: number | undefined, field: string): FieldError[] {
  const wrong = percent !== undefined && (percent < 0 || percent > 100);
  return wrong ? [invalid(field, percent, "must be between 0 and 100, inclusive")] : [];
}

function validateLimited(limited: LimitedPriorityLevelConfiguration, field: string): FieldError[] {
  const { nominalConcurrencyShares, limitResponse, lendablePercent, borrowingLimitPercent: borrowing } = limited;
  const errors = [
    ...validateShare(nominalConcurrencyShares, `${field}.nominalConcurrencyShares`),
    ...validateResponse(limitResponse, `${field}.limitResponse`),
    ...validateLendable(lendablePercent, `${field}.lendablePercent`),
  ];
  if (borrowing === undefined || borrowing >= 0) return errors;
  return [...errors, invalid(`${field}.borrowingLimitPercent`, borrowing, "if specified, must be a non-negative integer")];
}

/** Of the level of those who never wait, how much it lends may be changed. Source: ValidateIfMandatoryPriorityLevelConfigurationObject. */
function validateMandatory({ metadata: { name }, spec }: PriorityLevelConfiguration): FieldError[] {
  const fixed = MANDATORY_LEVELS[name];
  if (fixed === undefined || semanticEqual(fixed.exempt === undefined ? spec : { ...spec, exempt: fixed.exempt }, fixed)) return [];
  const but = fixed.exempt === undefined ? "" : " except the 'spec.exempt' field";
  return [invalid("spec", internalForm("PriorityLevelConfigurationSpec", spec), `spec of '${name}'${but} must equal the fixed value`)];
}

/** Source: ValidatePriorityLevelConfiguration. */
function validate(level: PriorityLevelConfiguration): FieldError[] {
  return [...validateSpec(level), ...validateMandatory(level)];
}

function validateSpec({ metadata, spec }: PriorityLevelConfiguration): FieldError[] {
  const errors: FieldError[] = [];
  const { type = "", limited, exempt } = spec;
  if ((metadata.name === "exempt") !== (type === "Exempt")) {
    errors.push(invalid("spec.type", type, "must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  switch (type) {
    case "Exempt":
      if (limited !== undefined) errors.push(forbidden("spec.limited", "must be nil if the type is not Limited"));
      return [
        ...errors,
        ...validateShare(exempt?.nominalConcurrencyShares, "spec.exempt.nominalConcurrencyShares"),
        ...validateLendable(exempt?.lendablePercent, "spec.exempt.lendablePercent"),
      ];
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
  updateChecks: ["whole"],
  nameRule: dnsSubdomain,
  validate,
  validateStatus: validateConditions,
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
      spec.limited?.nominalConcurrencyShares ?? NONE,
      queuing?.queues ?? NONE,
      queuing?.handSize ?? NONE,
      queuing?.queueLengthLimit ?? NONE,
      ageOf(level, now_ms),
    ];
  },
});

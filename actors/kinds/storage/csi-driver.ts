import { defineKind } from "../define-kind.ts";
import { duplicate, invalid } from "../field-error.ts";
import { immutable, oneOf } from "../field-rules.ts";
import type { CSIDriver } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { dnsSubdomain } from "../names.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET } from "../table.ts";

const GROUP_POLICIES: readonly string[] = ["File", "None", "ReadWriteOnceWithFSType"];
const LIFECYCLES: readonly string[] = ["Persistent", "Ephemeral"];
const TOKEN_S_MIN = 600;
const TOKEN_S_MAX: number = 2 ** 32;

/** Source: SetDefaults_CSIDriver. */
function applyDefaults({ spec }: CSIDriver): void {
  if (spec === undefined) return;
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
  if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ["Persistent"];
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
}

function validateTokens({ spec }: CSIDriver): FieldError[] {
  const seen = new Set<string>();
  return (spec.tokenRequests ?? []).flatMap(({ audience = "", expirationSeconds: seconds }, index) => {
    const field = `spec.tokenRequests[${index}]`;
    if (seen.has(audience)) return [duplicate(`${field}.audience`, audience)];
    seen.add(audience);
    if (seconds === undefined) return [];
    const path = `${field}.expirationSeconds`;
    if (seconds < TOKEN_S_MIN) return [invalid(path, seconds, "may not specify a duration less than 10 minutes")];
    return seconds > TOKEN_S_MAX ? [invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")] : [];
  });
}

/** What defaults fill in is there. Source: validateCSIDriverSpec. */
function validate(driver: CSIDriver): FieldError[] {
  const { fsGroupPolicy, volumeLifecycleModes = [] } = driver.spec;
  return [
    ...oneOf(fsGroupPolicy, GROUP_POLICIES, "spec.fsGroupPolicy"),
    ...validateTokens(driver),
    ...volumeLifecycleModes.flatMap((mode) => oneOf(mode, LIFECYCLES, "spec.volumeLifecycleModes")),
  ];
}

/** Kubernetes misspells the first. Source: ValidateCSIDriverUpdate. */
function validateUpdate({ spec }: CSIDriver, { spec: old }: CSIDriver): FieldError[] {
  return [
    ...immutable(spec.attachRequired, old.attachRequired, "spec.attachedRequired"),
    ...immutable(spec.volumeLifecycleModes, old.volumeLifecycleModes, "spec.volumeLifecycleModes"),
  ];
}

/** How often nodes tell again what they can attach is behind a gate. */
function withoutPeriod({ spec }: CSIDriver): void {
  delete spec.nodeAllocatableUpdatePeriodSeconds;
}

export const CSIDriverKind: Kind<CSIDriver> = defineKind<CSIDriver>({
  group: "storage.k8s.io",
  kind: "CSIDriver",
  plural: "csidrivers",
  namespaced: false,
  updatesNameRevision: true,
  returnsDeletedObject: true,
  tracksGeneration: true,
  applyDefaults,
  prepareForCreate: withoutPeriod,
  prepareForUpdate: withoutPeriod,
  nameRule: dnsSubdomain,
  validate,
  validateUpdate,
  columns: [
    NAME_COLUMN,
    column("AttachRequired", "Whether its volumes are attached before they are mounted", "boolean"),
    column("PodInfoOnMount", "Whether it is told of the pod that it mounts for", "boolean"),
    column("StorageCapacity", "Whether the scheduler looks at what it can still give", "boolean"),
    column("TokenRequests", "Whose tokens it wants"),
    column("RequiresRepublish", "Whether it is told of the tokens again and again", "boolean"),
    column("Modes", "How long its volumes live"),
    AGE_COLUMN,
  ],
  cells: ({ spec, metadata, ...rest }, now_ms) => {
    const tokens = (spec.tokenRequests ?? []).map(({ audience }) => audience);
    return [
      metadata.name,
      spec.attachRequired ?? true,
      spec.podInfoOnMount ?? false,
      spec.storageCapacity ?? false,
      tokens.length === 0 ? UNSET : tokens.join(","),
      spec.requiresRepublish ?? false,
      (spec.volumeLifecycleModes ?? []).join(",") || "<none>",
      ageOf({ metadata, ...rest }, now_ms),
    ];
  },
});

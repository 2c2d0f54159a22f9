import { defineKind } from "../define-kind.ts";
import { duplicate, invalid, required } from "../field-error.ts";
import { immutable, oneOf } from "../field-rules.ts";
import type { CSIDriver } from "../generated/types.ts";
import type { Kind } from "../kind.ts";
import { semanticEqual } from "../machinery/equal.ts";
import { validateObjectMeta } from "../metadata.ts";
import type { FieldError } from "../status.ts";
import { AGE_COLUMN, ageOf, column, NAME_COLUMN, UNSET } from "../table.ts";
import { validateDriverName } from "./driver-name.ts";

const GROUP_POLICIES: readonly string[] = ["File", "None", "ReadWriteOnceWithFSType"];
const LIFECYCLES: readonly string[] = ["Ephemeral", "Persistent"];
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
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, { audience = "", expirationSeconds: seconds }] of (spec.tokenRequests ?? []).entries()) {
    const field = `spec.tokenRequests[${index}]`;
    if (seen.has(audience)) errors.push(duplicate(`${field}.audience`, audience));
    seen.add(audience);
    if (seconds === undefined) continue;
    if (seconds < TOKEN_S_MIN) {
      errors.push(invalid(`${field}.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes"));
    }
    if (seconds > TOKEN_S_MAX) {
      errors.push(invalid(`${field}.expirationSeconds`, seconds, "may not specify a duration larger than 2^32 seconds"));
    }
  }
  return errors;
}

/** Source: validateCSIDriverSpec. */
function validate(driver: CSIDriver): FieldError[] {
  const { metadata, spec } = driver;
  const errors = validateObjectMeta(metadata, false, (name) =>
    validateDriverName(name, "").map(({ message }) => message.replace(/^Invalid value: "[^"]*": /, "")),
  );
  for (const name of ["attachRequired", "podInfoOnMount", "storageCapacity", "seLinuxMount"] as const) {
    if (spec[name] === undefined) errors.push(required(`spec.${name}`));
  }
  return [
    ...errors,
    ...oneOf(spec.fsGroupPolicy, GROUP_POLICIES, "spec.fsGroupPolicy"),
    ...validateTokens(driver),
    ...(spec.volumeLifecycleModes ?? []).flatMap((mode) => oneOf(mode, LIFECYCLES, "spec.volumeLifecycleModes")),
  ];
}

export const CSIDriverKind: Kind<CSIDriver> = defineKind<CSIDriver>({
  group: "storage.k8s.io",
  kind: "CSIDriver",
  plural: "csidrivers",
  namespaced: false,
  returnsDeletedObject: true,
  tracksGeneration: true,
  // Of what may change, only these two make drivers do something. Source: csiDriverStrategy.
  generationChanges: (next, current) =>
    !semanticEqual(next.spec.tokenRequests, current.spec.tokenRequests) ||
    !semanticEqual(next.spec.requiresRepublish, current.spec.requiresRepublish),
  applyDefaults,
  validate,
  validateUpdate: (next, current) =>
    (["attachRequired", "fsGroupPolicy", "volumeLifecycleModes"] as const).flatMap((name) =>
      immutable(next.spec[name], current.spec[name], `spec.${name}`),
    ),
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

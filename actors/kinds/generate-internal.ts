import type { GoField, GoTypes } from "./generate-go-structs.ts";
import { elementOf } from "./generate-go-structs.ts";
import type { InternalField } from "./internal-form.ts";

const INTERNAL = "io.k8s.kubernetes.pkg.apis.";
/** What is printed as a whole in refusals; the definitions that these reach come with them. */
const ROOTS: readonly string[] = [
  "apps.DaemonSetUpdateStrategy",
  "apps.DeploymentStrategy",
  "apps.StatefulSetUpdateStrategy",
  "batch.PodFailurePolicy",
  "batch.SuccessPolicy",
  "batch.UncountedTerminatedPods",
  "core.EphemeralContainer",
  "core.EventSource",
  "core.PersistentVolumeClaimSpec",
  "core.PersistentVolumeSource",
  "core.PodTemplateSpec",
  "core.ScopeSelector",
  "core.ServicePort",
  "core.VolumeNodeAffinity",
  "flowcontrol.FlowSchemaSpec",
  "flowcontrol.PriorityLevelConfigurationSpec",
  "networking.ParentReference",
  "policy.PodDisruptionBudgetSpec",
  "rbac.RoleRef",
  "resource.AllocationResult",
  "resource.DeviceAttribute",
  "resource.ResourceClaimTemplateSpec",
  "storage.CSINodeDriver",
  "storage.VolumeAttachmentSpec",
].map((name) => `${INTERNAL}${name}`);
/** Structs of `v1` whose fields stand in another one of the internal types. */
const MOVED_FROM: Readonly<Record<string, string>> = { "io.k8s.api.core.v1.PodSecurityContext": "io.k8s.api.core.v1.PodSpec" };

/** What of a Go value nobody set is printed; `undefined`: a struct, printed with what is in it. */
function zeroOf(field: GoField, go: GoTypes): InternalField[2] {
  if (field.omitted !== "never") return "omitted";
  if (field.pointer || elementOf(field.type) !== field.type) return null;
  const type = go.named.get(field.type) ?? field.type;
  if (elementOf(type) !== type || type.endsWith(".Time")) return null;
  if (type.endsWith(".Quantity")) return "0";
  if (type === "bool") return false;
  return /^u?int\d*$/.test(type) || type.endsWith(".IntOrString") ? 0 : "";
}

/** Where a versioned struct has its fields, by their Go names; what it embeds under a name is a level further down. */
function sourcesOf(name: string, go: GoTypes): [name: string, source: string][] {
  return [...(go.structs.get(name)?.fields.values() ?? [])].flatMap((field) => {
    if (field.type.slice(field.type.lastIndexOf(".") + 1) !== field.name) return [[field.name, field.json]];
    return [[field.name, field.json], ...sourcesOf(field.type, go).map(([inner, source]) => [inner, `${field.json}.${source}`] as const)];
  }) as [string, string][];
}

/** The lines of `generated/internal.json`. Throws where a field of an internal type has none in `v1`. */
export function internalLines(go: GoTypes): Map<string, readonly InternalField[]> {
  const lines = new Map<string, readonly InternalField[]>();
  const visit = (name: string): void => {
    const short = name.slice(name.lastIndexOf(".") + 1);
    const struct = go.structs.get(name);
    if (lines.has(short) || struct === undefined) return;
    const versioned = name.replace(new RegExp(`^${INTERNAL}(\\w+)`), "io.k8s.api.$1.v1");
    const sources = [versioned, MOVED_FROM[versioned] ?? ""].flatMap((one) => sourcesOf(one, go));
    const fields: InternalField[] = [];
    lines.set(short, fields);
    for (const field of struct.fields.values()) {
      const [, source] = sources.find(([one]) => one === field.name) ?? [];
      if (source === undefined) throw new Error(`${versioned} has no ${field.name}`);
      const element = elementOf(field.type);
      const nested = go.structs.has(element) && !/\.(Time|Quantity|IntOrString)$/.test(element);
      const reference = element.slice(element.lastIndexOf(".") + 1);
      fields.push(nested ? [field.json, source, zeroOf(field, go), reference] : [field.json, source, zeroOf(field, go)]);
      if (nested) visit(element);
    }
  };
  for (const root of ROOTS) visit(root);
  return lines;
}

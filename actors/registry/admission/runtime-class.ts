import { forbidden } from "../../kinds/errors.ts";
import type { Pod, RuntimeClass } from "../../kinds/generated/types.ts";
import { semanticEqual } from "../../kinds/machinery/equal.ts";
import type { Entry } from "../../store/view.ts";
import type { AdmissionPlugin, AdmissionRequest, AdmissionWorld } from "./admission.ts";
import { refusedName } from "./admission.ts";

function refuse(request: AdmissionRequest, why: string): never {
  throw forbidden(request.kind, refusedName(request), why);
}

function useClass(request: AdmissionRequest, name: string, entry: Entry | undefined, world: AdmissionWorld): void {
  if (entry === undefined) refuse(request, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  const { overhead, scheduling } = world.view.decode<RuntimeClass>(entry);
  const { spec } = request.object as Pod;
  if (overhead !== undefined) {
    if (spec.overhead !== undefined && !semanticEqual(spec.overhead, overhead.podFixed)) {
      refuse(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
    }
    spec.overhead = { ...overhead.podFixed };
  } else checkNoOverhead(request);
  for (const [key, value] of Object.entries(scheduling?.nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      refuse(request, `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`);
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  const known = spec.tolerations ?? [];
  const added = (scheduling?.tolerations ?? []).filter((toleration) => !known.some((one) => semanticEqual(one, toleration)));
  if (added.length > 0) spec.tolerations = [...known, ...added.map((toleration) => ({ ...toleration }))];
}

function checkNoOverhead(request: AdmissionRequest): void {
  if (Object.keys((request.object as Pod).spec.overhead ?? {}).length === 0) return;
  refuse(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
}

/** A pod gets the overhead, the nodes and the tolerations of its runtime class. Source: plugin/pkg/admission/runtimeclass. */
export const RuntimeClassAdmission: AdmissionPlugin = {
  name: "RuntimeClass",
  mutate(request, world) {
    if (request.operation !== "create" || request.resource !== "pods") return;
    const name = (request.object as Pod).spec.runtimeClassName;
    if (name === undefined) return checkNoOverhead(request);
    const entry = world.find(`runtimeclasses.node.k8s.io/${name}`);
    if (entry instanceof Promise) return entry.then((found) => useClass(request, name, found, world));
    useClass(request, name, entry, world);
  },
};

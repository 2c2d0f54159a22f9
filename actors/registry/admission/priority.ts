import { forbidden } from "../../kinds/errors.ts";
import type { Pod, PriorityClass } from "../../kinds/generated/types.ts";
import type { Entry } from "../../store/view.ts";
import type { AdmissionPlugin, AdmissionRequest, AdmissionWorld } from "./admission.ts";
import { refusedName } from "./admission.ts";

const RESOURCE = "priorityclasses.scheduling.k8s.io";
const GLOBAL_DEFAULT_INDEX = "priority-class-global-default";
const DEFAULT_POLICY = "PreemptLowerPriority";

type Ranked = Pick<PriorityClass, "value" | "preemptionPolicy">;

/** There from the first moment, whether or not their objects are. Source: pkg/apis/scheduling/v1/helpers.go. */
const SYSTEM_CLASSES: ReadonlyMap<string, Ranked> = new Map([
  ["system-node-critical", { value: 2_000_001_000, preemptionPolicy: DEFAULT_POLICY }],
  ["system-cluster-critical", { value: 2_000_000_000, preemptionPolicy: DEFAULT_POLICY }],
]);

function globalDefault(world: AdmissionWorld): PriorityClass | undefined {
  let lowest: PriorityClass | undefined;
  for (const entry of world.view.byIndex(GLOBAL_DEFAULT_INDEX, "true")) {
    const candidate = world.view.decode<PriorityClass>(entry);
    if (lowest === undefined || candidate.value < lowest.value) lowest = candidate;
  }
  return lowest;
}

function rank(request: AdmissionRequest, ranked: Ranked): void {
  const { spec } = request.object as Pod;
  const policy = ranked.preemptionPolicy ?? DEFAULT_POLICY;
  const refuse = (what: string, given: string | number, computed: string | number): never => {
    const why = `${what} (${given}) must not be provided in pod spec; priority admission controller computed ${computed} from the given PriorityClass name`;
    throw forbidden(request.kind, refusedName(request), why);
  };
  if (spec.priority !== undefined && spec.priority !== ranked.value) refuse("the integer value of priority", spec.priority, ranked.value);
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    refuse("the string value of PreemptionPolicy", spec.preemptionPolicy, policy);
  }
  spec.priority = ranked.value;
  spec.preemptionPolicy = policy;
}

function rankByClass(request: AdmissionRequest, name: string, entry: Entry | undefined, world: AdmissionWorld): void {
  const found = entry === undefined ? SYSTEM_CLASSES.get(name) : world.view.decode<PriorityClass>(entry);
  if (found === undefined) throw forbidden(request.kind, refusedName(request), `no PriorityClass with name ${name} was found`);
  rank(request, found);
}

/** Turns a pod's priorityClassName into its priority and preemption policy. Source: plugin/pkg/admission/priority. */
export const Priority: AdmissionPlugin = {
  name: "Priority",
  prepare({ view }) {
    view.index({
      name: GLOBAL_DEFAULT_INDEX,
      resource: RESOURCE,
      values: (object) => ((object as PriorityClass).globalDefault === true ? ["true"] : []),
    });
  },
  mutate(request, world) {
    if (request.operation !== "create" || request.resource !== "pods") return;
    const { spec } = request.object as Pod;
    const name = spec.priorityClassName;
    if (name === undefined || name === "") {
      const chosen = globalDefault(world);
      if (chosen !== undefined) spec.priorityClassName = chosen.metadata.name;
      return rank(request, chosen ?? { value: 0, preemptionPolicy: DEFAULT_POLICY });
    }
    if (SYSTEM_CLASSES.has(name)) return rankByClass(request, name, world.view.entry(`${RESOURCE}/${name}`), world);
    const entry = world.find(`${RESOURCE}/${name}`);
    if (entry instanceof Promise) return entry.then((found) => rankByClass(request, name, found, world));
    rankByClass(request, name, entry, world);
  },
};

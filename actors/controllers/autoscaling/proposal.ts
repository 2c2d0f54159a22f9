/** What one metric proposes, and how the status shows it. Pure. Source: computeReplicasForMetric of pkg/controller/podautoscaler/horizontal.go. */
import type {
  Pod,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from "../../kinds/generated/types.ts";
import { selectorAsGoPrints } from "../../kinds/machinery/label-selector.ts";
import { formatQuantity, parseQuantity, quantityMilliValue } from "../../kinds/machinery/quantity.ts";
import { MetricFailure } from "./metric-failure.ts";
import type { MeasuredPod } from "./metrics-source.ts";
import type { PodMetric } from "./pod-groups.ts";
import type { Reading } from "./readings.ts";
import { countForAverage, countForShare, countForUtilization, countForValue } from "./replica-count.ts";

/** What all metrics of one autoscaler are compared with. */
export interface Scaled {
  readonly namespace: string;
  readonly specReplicas: number;
  readonly statusReplicas: number;
  /** The pods that its selector takes. */
  readonly pods: readonly Pod[];
  readonly now_ms: number;
}

export type Proposal =
  | {
      readonly replicas: number /** What the pods are scaled by, as an Event says it. */;
      readonly metric: string;
      readonly status: V2MetricStatus;
    }
  | {
      /** That of the condition and of an Event. */
      readonly reason: string;
      /** Why there is no number. */
      readonly why: string;
      /** The same, said of the whole metric. */
      readonly error: string;
    };

type Numbers = Extract<Proposal, { readonly replicas: number }>;

/** What a failure of each type is called, and what stands before it. */
const FAILURES: Readonly<Record<string, readonly [reason: string, words: (spec: V2MetricSpec) => string]>> = {
  Resource: ["FailedGetResourceMetric", ({ resource }) => `failed to get ${resource?.name} resource metric value`],
  ContainerResource: [
    "FailedGetContainerResourceMetric",
    ({ containerResource }) => `failed to get ${containerResource?.container} container metric value`,
  ],
  Pods: ["FailedGetPodsMetric", () => "failed to get pods metric value"],
  Object: ["FailedGetObjectMetric", () => "failed to get object metric value"],
  External: ["FailedGetExternalMetric", ({ external }) => `failed to get ${external?.metric.name} external metric value`],
};

export function proposalOf(spec: V2MetricSpec, reading: Reading, scaled: Scaled): Proposal {
  const [reason, words] = FAILURES[spec.type] ?? ["InvalidMetricSourceType", () => ""];
  try {
    return numbersOf(spec, reading, scaled);
  } catch (error) {
    if (!(error instanceof MetricFailure)) throw error;
    const before = words(spec);
    const between = aside(spec);
    return { reason, why: error.message, error: [before, between, error.message].filter((text) => text !== "").join(": ") };
  }
}

/** What is said of the kind of target only to those who hear of the metric as a whole. */
function aside({ type, object, external }: V2MetricSpec): string {
  if (type === "Object" && object?.target.type === "AverageValue") return `failed to get ${object.metric.name} object metric`;
  if (type !== "External" || external === undefined) return "";
  const { metric, target } = external;
  return target.averageValue === undefined
    ? `failed to get external metric ${metric.name}`
    : `failed to get ${metric.name} external metric`;
}

function numbersOf(spec: V2MetricSpec, reading: Reading, scaled: Scaled): Numbers {
  const { type, resource, containerResource, pods, object, external } = spec;
  if (type === "Resource" && resource !== undefined) {
    const { current, ...rest } = resourceNumbers(resource.name, "", resource.target, reading, scaled);
    return { ...rest, status: { type, resource: { name: resource.name, current } } };
  }
  if (type === "ContainerResource" && containerResource !== undefined) {
    const { name, container, target } = containerResource;
    const { current, ...rest } = resourceNumbers(name, container, target, reading, scaled);
    return { ...rest, status: { type, containerResource: { name, container, current } } };
  }
  if (type === "Pods" && pods !== undefined) {
    const { metric, target } = pods;
    const measured = read(reading, "pods", (why) => `unable to get metric ${metric.name}: ${why}`).pods;
    const values = new Map(measured.map(({ name, value_milli }) => [name, { value: value_milli }]));
    const { replicas, usage } = countForAverage(calculation(scaled, values, undefined), milli(target.averageValue));
    return {
      replicas,
      metric: `pods metric ${metric.name}`,
      status: { type, pods: { metric: identifier(metric), current: average(usage) } },
    };
  }
  if (type === "Object" && object !== undefined) {
    const { metric, target, describedObject } = object;
    const value = (): number => {
      const where = `${describedObject.kind} on ${scaled.namespace} ${describedObject.name}`;
      return read(reading, "object", (why) => `unable to get metric ${metric.name}: ${where}/${why}`).value_milli;
    };
    if (target.type === "Value" && target.value !== undefined) {
      const usage = value();
      const replicas = countForValue(scaled.specReplicas, usage, milli(target.value), scaled.pods);
      const status = { type, object: { describedObject, metric: identifier(metric), current: { value: quantity(usage) } } };
      return { replicas, metric: `${describedObject.kind} metric ${metric.name}`, status };
    }
    if (target.type === "AverageValue" && target.averageValue !== undefined) {
      const { replicas, usage } = countForShare(scaled.statusReplicas, value(), milli(target.averageValue));
      // Kubernetes leaves the object out here.
      const status = { type, object: { describedObject: { kind: "", name: "" }, metric: identifier(metric), current: average(usage) } };
      return { replicas, metric: externalName(metric), status };
    }
    throw new MetricFailure("invalid object metric source: neither a value target nor an average value target was set");
  }
  if (type === "External" && external !== undefined) {
    const { metric, target } = external;
    const total = (): number => {
      const where = `${scaled.namespace}/${metric.name}/${selectorAsGoPrints(metric.selector)}`;
      const { values_milli } = read(reading, "external", (why) => `unable to get external metric ${where}: ${why}`);
      return values_milli.reduce((sum, one) => sum + one, 0);
    };
    const status = (current: V2MetricValueStatus): V2MetricStatus => ({ type, external: { metric: identifier(metric), current } });
    if (target.averageValue !== undefined) {
      const { replicas, usage } = countForShare(scaled.statusReplicas, total(), milli(target.averageValue));
      return { replicas, metric: externalName(metric), status: status(average(usage)) };
    }
    if (target.value !== undefined) {
      const usage = total();
      const replicas = countForValue(scaled.specReplicas, usage, milli(target.value), scaled.pods);
      return { replicas, metric: externalName(metric), status: status({ value: quantity(usage) }) };
    }
    throw new MetricFailure("invalid external metric source: neither a value target nor an average value target was set");
  }
  throw new MetricFailure(`unknown metric source type ${JSON.stringify(type)}`);
}

/** A resource of whole pods, or of one container of each. */
function resourceNumbers(
  name: string,
  container: string,
  target: V2MetricTarget,
  reading: Reading,
  scaled: Scaled,
): { readonly replicas: number; readonly metric: string; readonly current: V2MetricValueStatus } {
  const { averageValue, averageUtilization } = target;
  if (averageValue === undefined && averageUtilization === undefined) {
    throw new MetricFailure(
      "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
    );
  }
  try {
    const { pods } = read(reading, "usage", (why) => `unable to get metrics for resource ${name}: ${why}`);
    const of = calculation(scaled, usageByPod(pods, name, container), name);
    if (averageValue !== undefined) {
      const { replicas, usage } = countForAverage(of, milli(averageValue));
      return { replicas, metric: `${name} resource`, current: { averageValue: quantity(usage, name) } };
    }
    const { replicas, usage, utilization } = countForUtilization({ ...of, resource: name }, averageUtilization ?? 0, container);
    const kind = container === "" ? "resource" : "container resource";
    const current = { averageUtilization: utilization, averageValue: quantity(usage, name) };
    return { replicas, metric: `${name} ${kind} utilization (percentage of request)`, current };
  } catch (error) {
    if (!(error instanceof MetricFailure)) throw error;
    throw new MetricFailure(`failed to get ${name} ${averageValue === undefined ? "utilization" : "usage"}: ${error.message}`);
  }
}

function calculation(
  { specReplicas, pods, now_ms }: Scaled,
  metrics: ReadonlyMap<string, PodMetric>,
  resource: string | undefined,
): Parameters<typeof countForAverage>[0] {
  return { current: specReplicas, pods, metrics, resource, now_ms };
}

/** The reading, which is of this form unless there is none: then `words` say why. */
function read<Of extends Reading["of"]>(reading: Reading, of: Of, words: (why: string) => string): Extract<Reading, { readonly of: Of }> {
  if (reading.of === of) return reading as Extract<Reading, { readonly of: Of }>;
  throw new MetricFailure(words(reading.of === "nothing" ? reading.why : "another metric was read"));
}

/** Pods of which one container does not say, or that have none of this name, are left out. */
function usageByPod(pods: readonly MeasuredPod[], resource: string, container: string): ReadonlyMap<string, PodMetric> {
  const usages = new Map<string, PodMetric>();
  for (const { name, at_ms, window_ms, containers } of pods) {
    const asked = container === "" ? containers : containers.filter((one) => one.name === container);
    const values = asked.map(({ usage_milli }) => usage_milli[resource]).filter((value) => value !== undefined);
    if (asked.length === 0 || values.length < asked.length) continue;
    usages.set(name, { value: values.reduce((sum, value) => sum + value, 0), measured: { at_ms, window_ms } });
  }
  return usages;
}

function milli(text: string | undefined): number {
  return quantityMilliValue(parseQuantity(text ?? "0"));
}

/** Thousandths as a quantity; those of memory as people know it. Source: buildQuantity. */
function quantity(value_milli: number, resource = ""): string {
  return formatQuantity({ nano: BigInt(value_milli) * NANO_PER_MILLI, format: resource === "memory" ? "BinarySI" : "DecimalSI" });
}

const NANO_PER_MILLI = 1_000_000n;

function average(usage_milli: number): V2MetricValueStatus {
  return { averageValue: quantity(usage_milli) };
}

function identifier({ name, selector }: V2MetricIdentifier): V2MetricIdentifier {
  return selector === undefined ? { name } : { name, selector };
}

function externalName({ name, selector }: V2MetricIdentifier): string {
  return `external metric ${name}(${selectorAsGoPrints(selector)})`;
}

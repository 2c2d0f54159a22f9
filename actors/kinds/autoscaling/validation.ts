/** The rules for autoscalers. Source: pkg/apis/autoscaling/validation of Kubernetes 1.34. */
import { validateContainerResourceName } from "../core/resource-validation.ts";
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { namedBy, nonNegative, oneOf } from "../field-rules.ts";
import type {
  V2ContainerResourceMetricSource,
  V2CrossVersionObjectReference,
  V2ExternalMetricSource,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerSpec,
  V2HPAScalingRules,
  V2MetricSpec,
  V2MetricTarget,
  V2ObjectMetricSource,
  V2PodsMetricSource,
} from "../generated/types.ts";
import { dnsLabel, pathSegment } from "../names.ts";
import type { FieldError } from "../status.ts";

/** What is measured, by the name of its field, in the order in which Kubernetes looks at them. */
const SOURCES = {
  Object: "object",
  External: "external",
  Pods: "pods",
  Resource: "resource",
  ContainerResource: "containerResource",
} as const;
const SOURCE_NAMES: readonly string[] = Object.keys(SOURCES).sort();
const TARGET_TYPES: readonly string[] = ["AverageValue", "Utilization", "Value"];
const POLICY_TYPES: readonly string[] = ["Percent", "Pods"];
const SELECT_POLICIES: readonly string[] = ["Disabled", "Max", "Min"];
const PERIOD_S_MAX = 1_800;
const WINDOW_S_MAX = 3_600;

function segment(value: string | undefined, field: string): FieldError[] {
  return value ? pathSegment(value).map((message) => invalid(field, value, message)) : [required(field)];
}

/** What may be left out of a reference: the group of its version, or a version that is right. */
type Leniency = "strict" | "no group" | "anything";

function wrongVersion(apiVersion: string): string | undefined {
  return apiVersion.split("/").length > 2 ? `unexpected GroupVersion string: ${apiVersion}` : undefined;
}

/** Source: ValidateCrossVersionObjectReference. */
function validateReference(reference: V2CrossVersionObjectReference | undefined, leniency: Leniency, field: string): FieldError[] {
  const { kind, name, apiVersion = "" } = reference ?? {};
  const errors = [...segment(kind, `${field}.kind`), ...segment(name, `${field}.name`)];
  if (leniency === "anything") return errors;
  const hasGroup = apiVersion.includes("/") && !apiVersion.startsWith("/");
  const words = wrongVersion(apiVersion) ?? (leniency === "strict" && !hasGroup ? "apiVersion must specify API group" : undefined);
  return words === undefined ? errors : [...errors, invalid(`${field}.apiVersion`, apiVersion, words)];
}

/** What does not change is let through; only ReplicationControllers belong to no group. Source: validationOptionsForHorizontalPodAutoscaler. */
function targetLeniency(next: V2HorizontalPodAutoscaler, current: V2HorizontalPodAutoscaler | undefined): Leniency {
  const { kind, apiVersion = "" } = next.spec.scaleTargetRef ?? {};
  const before = current?.spec.scaleTargetRef;
  if (before !== undefined && before.kind === kind && (before.apiVersion ?? "") === apiVersion) return "anything";
  return kind === "ReplicationController" ? "no group" : "strict";
}

function objectLeniency(current: V2HorizontalPodAutoscaler | undefined): Leniency {
  const metrics = current?.spec.metrics ?? [];
  const wrong = metrics.some(
    ({ type, object }) => type === "Object" && wrongVersion(object?.describedObject?.apiVersion ?? "") !== undefined,
  );
  return wrong ? "anything" : "no group";
}

/** Source: validateMetricTarget. */
function validateTarget(target: V2MetricTarget | undefined, field: string): FieldError[] {
  const { type = "", averageUtilization } = target ?? {};
  const errors = type === "" ? [required(`${field}.type`, "must specify a metric target type")] : [];
  if (!TARGET_TYPES.includes(type)) errors.push(invalid(`${field}.type`, type, "must be either Utilization, Value, or AverageValue"));
  for (const name of ["value", "averageValue"] as const) {
    const value = target?.[name];
    if (value !== undefined && (value === "0" || value.startsWith("-")))
      errors.push(invalid(`${field}.${name}`, value, "must be positive"));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalid(`${field}.averageUtilization`, averageUtilization, "must be greater than 0"));
  }
  return errors;
}

/** What is used of a resource, and how much of it is wanted. */
function validateUse(target: V2MetricTarget | undefined, field: string): FieldError[] {
  const errors = validateTarget(target, field);
  const { averageUtilization, averageValue } = target ?? {};
  if (averageUtilization === undefined && averageValue === undefined) {
    return [...errors, required(`${field}.averageUtilization`, "must set either a target raw value or a target utilization")];
  }
  if (averageUtilization === undefined || averageValue === undefined) return errors;
  return [...errors, forbidden(`${field}.averageValue`, "may not set both a target raw value and a target utilization")];
}

function resourceName(name: string | undefined, field: string): FieldError[] {
  return name ? [] : [required(`${field}.name`, "must specify a resource name")];
}

function metricName(metric: { name?: string } | undefined, field: string): FieldError[] {
  return metric?.name ? segment(metric.name, `${field}.metric.name`) : [required(`${field}.metric.name`, "must specify a metric name")];
}

function validateObject({ describedObject, metric, target }: V2ObjectMetricSource, leniency: Leniency, field: string): FieldError[] {
  const errors = [
    ...validateReference(describedObject, leniency, `${field}.describedObject`),
    ...metricName(metric, field),
    ...validateTarget(target, `${field}.target`),
  ];
  if (target?.value !== undefined || target?.averageValue !== undefined) return errors;
  return [...errors, required(`${field}.target.averageValue`, "must set either a target value or averageValue")];
}

function validateExternal({ metric, target }: V2ExternalMetricSource, field: string): FieldError[] {
  const errors = [...metricName(metric, field), ...validateTarget(target, `${field}.target`)];
  const { value, averageValue } = target ?? {};
  if (value === undefined && averageValue === undefined) {
    errors.push(required(`${field}.target.averageValue`, "must set either a target value for metric or a per-pod target"));
  }
  if (value === undefined || averageValue === undefined) return errors;
  return [...errors, forbidden(`${field}.target.value`, "may not set both a target value for metric and a per-pod target")];
}

function validatePods({ metric, target }: V2PodsMetricSource, field: string): FieldError[] {
  const errors = [...metricName(metric, field), ...validateTarget(target, `${field}.target`)];
  if (target?.averageValue !== undefined) return errors;
  return [...errors, required(`${field}.target.averageValue`, "must specify a positive target averageValue")];
}

function validateContainerResource({ name, container, target }: V2ContainerResourceMetricSource, field: string): FieldError[] {
  return [
    ...(name ? validateContainerResourceName(name, `${field}.name`) : resourceName(name, field)),
    ...(container ? namedBy(dnsLabel, container, `${field}.container`) : [required(`${field}.container`, "must specify a container")]),
    ...validateUse(target, `${field}.target`),
  ];
}

function validateSource(metric: V2MetricSpec, name: string, leniency: Leniency, field: string): FieldError[] {
  const path = `${field}.${name}`;
  const { object, external, pods, resource, containerResource } = metric;
  if (object !== undefined) return validateObject(object, leniency, path);
  if (external !== undefined) return validateExternal(external, path);
  if (pods !== undefined) return validatePods(pods, path);
  if (resource !== undefined) return [...resourceName(resource.name, path), ...validateUse(resource.target, `${path}.target`)];
  return containerResource === undefined ? [] : validateContainerResource(containerResource, path);
}

/** The first source is looked into, and must be the one of the type; there must be no other. Source: validateMetricSpec. */
function validateMetric(metric: V2MetricSpec, leniency: Leniency, field: string): FieldError[] {
  const type = metric.type ?? "";
  const own = Object.hasOwn(SOURCES, type) ? SOURCES[type as keyof typeof SOURCES] : undefined;
  const unknown = notSupported(`${field}.type`, type, SOURCE_NAMES);
  const given = Object.values(SOURCES).filter((name) => metric[name] !== undefined);
  const errors = type === "" ? [required(`${field}.type`, "must specify a metric source type")] : [];
  if (own === undefined) errors.push(unknown);
  if (given[0] !== undefined) errors.push(...validateSource(metric, given[0], leniency, field));
  if (own === undefined) errors.push(unknown);
  else if (metric[own] === undefined) errors.push(required(`${field}.${own}`, "must populate information for the given metric source"));
  const others = given.length === 1 ? [] : given.filter((name) => name !== own);
  return [...errors, ...others.map((name) => forbidden(`${field}.${name}`, "must populate the given metric source only"))];
}

function validateMetrics({ metrics = [], minReplicas }: V2HorizontalPodAutoscalerSpec, leniency: Leniency): FieldError[] {
  const errors = metrics.flatMap((metric, index) => validateMetric(metric, leniency, `spec.metrics[${index}]`));
  if (minReplicas !== 0 || metrics.some(({ type }) => type === "Object" || type === "External")) return errors;
  const words = "must specify at least one Object or External metric to support scaling to zero replicas";
  return [...errors, forbidden("spec.metrics", words)];
}

function validateRules(rules: V2HPAScalingRules | undefined, field: string): FieldError[] {
  if (rules === undefined) return [];
  const { stabilizationWindowSeconds: window_s, policies = [], selectPolicy } = rules;
  const errors: FieldError[] = [];
  if (window_s !== undefined && window_s < 0) {
    errors.push(invalid(`${field}.stabilizationWindowSeconds`, window_s, "must be greater than or equal to zero"));
  }
  if (window_s !== undefined && window_s > WINDOW_S_MAX) {
    errors.push(invalid(`${field}.stabilizationWindowSeconds`, window_s, `must be less than or equal to ${WINDOW_S_MAX}`));
  }
  errors.push(...oneOf(selectPolicy, SELECT_POLICIES, `${field}.selectPolicy`));
  if (policies.length === 0) errors.push(required(`${field}.policies`, "must specify at least one Policy"));
  for (const [index, { type, value, periodSeconds }] of policies.entries()) {
    const path = `${field}.policies[${index}]`;
    if (!POLICY_TYPES.includes(type)) errors.push(notSupported(`${path}.type`, type, POLICY_TYPES));
    if (value <= 0) errors.push(invalid(`${path}.value`, value, "must be greater than zero"));
    if (periodSeconds <= 0) errors.push(invalid(`${path}.periodSeconds`, periodSeconds, "must be greater than zero"));
    if (periodSeconds > PERIOD_S_MAX) {
      errors.push(invalid(`${path}.periodSeconds`, periodSeconds, `must be less than or equal to ${PERIOD_S_MAX}`));
    }
  }
  return errors;
}

export function validateAutoscaler(autoscaler: V2HorizontalPodAutoscaler, current: V2HorizontalPodAutoscaler | undefined): FieldError[] {
  const { spec } = autoscaler;
  const errors: FieldError[] = [];
  const { minReplicas, maxReplicas = 0, behavior } = spec;
  const least = current?.spec.minReplicas === 0 ? 0 : 1;
  if (minReplicas !== undefined && minReplicas < least) {
    errors.push(invalid("spec.minReplicas", minReplicas, `must be greater than or equal to ${least}`));
  }
  if (maxReplicas < 1) errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than 0"));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
  }
  return [
    ...errors,
    ...validateReference(spec.scaleTargetRef, targetLeniency(autoscaler, current), "spec.scaleTargetRef"),
    ...validateMetrics(spec, objectLeniency(current)),
    ...validateRules(behavior?.scaleUp, "spec.behavior.scaleUp"),
    ...validateRules(behavior?.scaleDown, "spec.behavior.scaleDown"),
  ];
}

/** Source: ValidateHorizontalPodAutoscalerStatusUpdate. */
export function validateAutoscalerStatus({ status }: V2HorizontalPodAutoscaler): FieldError[] {
  return [
    ...nonNegative(status?.currentReplicas, "status.currentReplicas"),
    ...nonNegative(status?.desiredReplicas, "status.desiredReplicas"),
  ];
}

/** The rules for autoscalers. Source: pkg/apis/autoscaling/validation of Kubernetes 1.34. */
import { forbidden, invalid, notSupported, required } from "../field-error.ts";
import { oneOf } from "../field-rules.ts";
import type {
  V2CrossVersionObjectReference,
  V2HorizontalPodAutoscaler,
  V2HPAScalingRules,
  V2MetricSpec,
  V2MetricTarget,
} from "../generated/types.ts";
import { validateObjectMeta } from "../metadata.ts";
import { dnsSubdomain, pathSegment } from "../names.ts";
import type { FieldError } from "../status.ts";

const SOURCES = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
} as const;
const SOURCE_NAMES: readonly string[] = Object.keys(SOURCES);
const TARGET_TYPES: readonly string[] = ["AverageValue", "Utilization", "Value"];
const POLICY_TYPES: readonly string[] = ["Percent", "Pods"];
const SELECT_POLICIES: readonly string[] = ["Disabled", "Max", "Min"];
const PERIOD_S_MAX = 1_800;
const WINDOW_S_MAX = 3_600;

function segment(value: string | undefined, field: string): FieldError[] {
  return value ? pathSegment(value).map((message) => invalid(field, value, message)) : [required(field)];
}

/** Source: ValidateCrossVersionObjectReference. What belongs to no group cannot be scaled, but for ReplicationControllers. */
function validateReference(reference: V2CrossVersionObjectReference | undefined, field: string): FieldError[] {
  const { kind, name, apiVersion = "" } = reference ?? {};
  const errors = [...segment(kind, `${field}.kind`), ...segment(name, `${field}.name`)];
  const parts = apiVersion.split("/");
  if (parts.length > 2) errors.push(invalid(`${field}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`));
  else if (parts.length < 2 && kind !== "ReplicationController") {
    errors.push(invalid(`${field}.apiVersion`, apiVersion, "apiVersion must specify API group"));
  }
  return errors;
}

function validateTarget(target: V2MetricTarget | undefined, field: string): FieldError[] {
  if (target === undefined || !target.type) return [required(`${field}.type`, "must specify a metric target type")];
  const errors: FieldError[] = [];
  if (!TARGET_TYPES.includes(target.type))
    errors.push(invalid(`${field}.type`, target.type, "must be either Utilization, Value, or AverageValue"));
  if (target.averageUtilization !== undefined && target.averageUtilization < 1) {
    errors.push(invalid(`${field}.averageUtilization`, target.averageUtilization, "must be greater than 0"));
  }
  for (const name of ["value", "averageValue"] as const) {
    const value = target[name];
    if (value !== undefined && (value === "0" || value.startsWith("-")))
      errors.push(invalid(`${field}.${name}`, value, "must be positive"));
  }
  return errors;
}

function both(target: V2MetricTarget | undefined, field: string, names: readonly (keyof V2MetricTarget)[], words: string): FieldError[] {
  const given = names.filter((name) => target?.[name] !== undefined);
  if (given.length === 0) return [required(`${field}.${names[0]}`, `must set either ${words}`)];
  return given.length > 1 ? [forbidden(`${field}.${names[1]}`, `may not set both ${words.replace(" or ", " and ")}`)] : [];
}

function validateResource(resource: { name?: string; target?: V2MetricTarget }, field: string): FieldError[] {
  const errors = resource.name ? [] : [required(`${field}.name`, "must specify a resource name")];
  const path = `${field}.target`;
  errors.push(...validateTarget(resource.target, path));
  const { averageUtilization, averageValue } = resource.target ?? {};
  if (averageUtilization === undefined && averageValue === undefined) {
    errors.push(required(`${path}.averageUtilization`, "must set either a target raw value or a target utilization"));
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    errors.push(forbidden(`${path}.averageValue`, "may not set both a target raw value and a target utilization"));
  }
  return errors;
}

function validateMetricName(metric: { name?: string } | undefined, field: string): FieldError[] {
  return metric?.name ? segment(metric.name, `${field}.metric.name`) : [required(`${field}.metric.name`, "must specify a metric name")];
}

function validateMetric(metric: V2MetricSpec, field: string): FieldError[] {
  const { type } = metric;
  if (!type) return [required(`${field}.type`, "must specify a metric source type")];
  if (!SOURCE_NAMES.includes(type)) return [notSupported(`${field}.type`, type, SOURCE_NAMES)];
  const own = SOURCES[type as keyof typeof SOURCES];
  const errors: FieldError[] = [];
  for (const name of Object.values(SOURCES)) {
    if (name !== own && metric[name] !== undefined) {
      errors.push(forbidden(`${field}.${name}`, "must populate the given metric source only"));
    }
  }
  if (metric[own] === undefined) return [...errors, required(`${field}.${own}`, "must populate information for the given metric source")];
  const path = `${field}.${own}`;
  if (metric.resource !== undefined) errors.push(...validateResource(metric.resource, path));
  if (metric.containerResource !== undefined) {
    if (!metric.containerResource.container) errors.push(required(`${path}.container`, "must specify a container"));
    errors.push(...validateResource(metric.containerResource, path));
  }
  if (metric.pods !== undefined) {
    errors.push(...validateMetricName(metric.pods.metric, path), ...validateTarget(metric.pods.target, `${path}.target`));
    if (metric.pods.target?.averageValue === undefined) {
      errors.push(required(`${path}.target.averageValue`, "must specify a positive target averageValue"));
    }
  }
  if (metric.object !== undefined) {
    const { describedObject, metric: named, target } = metric.object;
    errors.push(
      ...segment(describedObject?.kind, `${path}.describedObject.kind`),
      ...segment(describedObject?.name, `${path}.describedObject.name`),
    );
    errors.push(...validateMetricName(named, path), ...validateTarget(target, `${path}.target`));
    if (target?.value === undefined && target?.averageValue === undefined) {
      errors.push(required(`${path}.target.averageValue`, "must set either a target value or averageValue"));
    }
  }
  if (metric.external !== undefined) {
    errors.push(...validateMetricName(metric.external.metric, path), ...validateTarget(metric.external.target, `${path}.target`));
    errors.push(
      ...both(metric.external.target, `${path}.target`, ["averageValue", "value"], "a target value for metric or a per-pod target"),
    );
  }
  return errors;
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

export function validateAutoscaler({ metadata, spec }: V2HorizontalPodAutoscaler): FieldError[] {
  const errors = validateObjectMeta(metadata, true, dnsSubdomain);
  const { minReplicas, maxReplicas = 0, metrics = [], behavior } = spec;
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.push(invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1"));
  }
  if (maxReplicas < 1) errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than 0"));
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
  }
  return [
    ...errors,
    ...validateReference(spec.scaleTargetRef, "spec.scaleTargetRef"),
    ...metrics.flatMap((metric, index) => validateMetric(metric, `spec.metrics[${index}]`)),
    ...validateRules(behavior?.scaleUp, "spec.behavior.scaleUp"),
    ...validateRules(behavior?.scaleDown, "spec.behavior.scaleDown"),
  ];
}

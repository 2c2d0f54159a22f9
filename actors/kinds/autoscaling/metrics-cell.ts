/** The column Targets of autoscalers: `cpu: 10%/80%, 3/5 + 1 more...`. Source: formatHPAMetrics of pkg/printers/internalversion. */
import type { V2HorizontalPodAutoscaler, V2MetricSpec, V2MetricStatus, V2MetricTarget, V2MetricValueStatus } from "../generated/types.ts";
import { NONE, UNKNOWN } from "../table.ts";

const SHOWN_MAX = 2;

/** An average value is what counts where one is named, `(avg)` after it where it is not the only choice. */
function valueCell(current: V2MetricValueStatus | undefined, target: V2MetricTarget, marked: boolean): string {
  if (target.averageValue !== undefined) {
    const average = `${current?.averageValue ?? UNKNOWN}/${target.averageValue}`;
    return marked ? `${average} (avg)` : average;
  }
  return `${current?.value ?? UNKNOWN}/${target.value ?? "0"}`;
}

function resourceCell(name: string, current: V2MetricValueStatus | undefined, target: V2MetricTarget): string {
  if (target.averageValue !== undefined) return `${name}: ${valueCell(current, target, false)}`;
  const now = current?.averageUtilization === undefined ? UNKNOWN : `${current.averageUtilization}%`;
  const wanted = target.averageUtilization === undefined ? "<auto>" : `${target.averageUtilization}%`;
  return `${name}: ${now}/${wanted}`;
}

function metricCell(spec: V2MetricSpec, status: V2MetricStatus | undefined): string {
  switch (spec.type) {
    case "External":
      return spec.external === undefined ? "" : valueCell(status?.external?.current, spec.external.target, true);
    case "Pods":
      return spec.pods === undefined ? "" : `${status?.pods?.current?.averageValue ?? UNKNOWN}/${spec.pods.target.averageValue ?? "0"}`;
    case "Object":
      return spec.object === undefined ? "" : valueCell(status?.object?.current, spec.object.target, true);
    case "Resource":
      return spec.resource === undefined ? "" : resourceCell(spec.resource.name, status?.resource?.current, spec.resource.target);
    case "ContainerResource":
      return spec.containerResource === undefined
        ? ""
        : resourceCell(spec.containerResource.name, status?.containerResource?.current, spec.containerResource.target);
    default:
      return "<unknown type>";
  }
}

export function metricsCell({ spec, status }: V2HorizontalPodAutoscaler): string {
  const metrics = spec.metrics ?? [];
  if (metrics.length === 0) return NONE;
  const cells = metrics.map((metric, index) => metricCell(metric, status?.currentMetrics?.[index]));
  const shown = cells.slice(0, SHOWN_MAX).join(", ");
  return cells.length > SHOWN_MAX ? `${shown} + ${cells.length - SHOWN_MAX} more...` : shown;
}

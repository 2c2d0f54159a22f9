import type { V2MetricSpec } from "../../kinds/generated/types.ts";
import { printSelector, selectorOf } from "../../kinds/machinery/label-selector.ts";
import type { MeasuredObject, MeasuredPod, MetricsSource } from "./metrics-source.ts";

/** What was found out for one metric of an autoscaler: all that its decision needs from outside the store. */
export type Reading =
  | { readonly of: "usage"; readonly pods: readonly MeasuredPod[] }
  | { readonly of: "pods"; readonly pods: readonly MeasuredObject[] }
  | { readonly of: "object"; readonly value_milli: number }
  | { readonly of: "external"; readonly values_milli: readonly number[] }
  /** Nobody could be asked, or nobody knew; in the words of Kubernetes' client. */
  | { readonly of: "nothing"; readonly why: string };

/** Asks for all that these metrics need, at the same time. Never rejects. Source: pkg/controller/podautoscaler/metrics/client.go. */
export async function readMetrics(
  source: MetricsSource,
  namespace: string,
  selector: string,
  metrics: readonly V2MetricSpec[],
): Promise<readonly Reading[]> {
  // Several metrics may be of the same usage.
  let usage: Promise<Reading> | undefined;
  const usageOnce = (): Promise<Reading> => {
    usage ??= asked("resource metrics API", async () => {
      const pods = await source.usage(namespace, selector);
      return pods.length === 0 ? undefined : { of: "usage", pods };
    });
    return usage;
  };
  return Promise.all(
    metrics.map((metric) => {
      const { pods, object, external } = metric;
      if (metric.type === "Pods" && pods !== undefined) {
        return asked("custom metrics API", async () => {
          const found = await source.ofPods(namespace, selector, pods.metric.name, metricSelector(pods.metric));
          return found.length === 0 ? undefined : { of: "pods", pods: found };
        });
      }
      if (metric.type === "Object" && object !== undefined) {
        return asked("custom metrics API", async () => {
          const { value_milli } = await source.ofObject(
            namespace,
            object.describedObject,
            object.metric.name,
            metricSelector(object.metric),
          );
          return { of: "object", value_milli };
        });
      }
      if (metric.type === "External" && external !== undefined) {
        return asked("external metrics API", async () => {
          const values_milli = await source.external(namespace, external.metric.name, metricSelector(external.metric));
          return values_milli.length === 0 ? undefined : { of: "external", values_milli };
        });
      }
      return usageOnce();
    }),
  );
}

async function asked(api: string, ask: () => Promise<Reading | undefined>): Promise<Reading> {
  try {
    return (await ask()) ?? { of: "nothing", why: `no metrics returned from ${api}` };
  } catch (error) {
    return { of: "nothing", why: `unable to fetch metrics from ${api}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** A metric without a selector is wanted whatever its labels are. */
function metricSelector({ selector }: { readonly selector?: Parameters<typeof selectorOf>[0] }): string {
  return selector === undefined ? "" : printSelector(selectorOf(selector));
}

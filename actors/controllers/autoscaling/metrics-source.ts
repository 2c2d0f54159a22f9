import type { V2CrossVersionObjectReference } from "../../kinds/generated/types.ts";

/** What metrics.k8s.io says of a pod. */
export interface MeasuredPod {
  readonly name: string;
  readonly at_ms: number;
  /** Over how long it was measured. */
  readonly window_ms: number;
  /** In thousandths of the unit, by the name of the resource. */
  readonly containers: readonly { readonly name: string; readonly usage_milli: Readonly<Record<string, number>> }[];
}

/** What custom.metrics.k8s.io says of an object; in thousandths. */
export interface MeasuredObject {
  readonly name: string;
  readonly value_milli: number;
}

/**
 * Where autoscalers ask for metrics: the APIs of metrics, whoever serves them. Selectors are texts, empty for all. What cannot be had is rejected with
 * the words of the API or of its client.
 */
export interface MetricsSource {
  /** metrics.k8s.io: of the pods that the selector takes. */
  usage(namespace: string, selector: string): Promise<readonly MeasuredPod[]>;
  /** custom.metrics.k8s.io: one metric of the pods that the selector takes. */
  ofPods(namespace: string, selector: string, metric: string, metricSelector: string): Promise<readonly MeasuredObject[]>;
  /** custom.metrics.k8s.io: one metric of one object, or of the namespace itself. */
  ofObject(namespace: string, object: V2CrossVersionObjectReference, metric: string, metricSelector: string): Promise<MeasuredObject>;
  /** external.metrics.k8s.io: all values of a metric, in thousandths. */
  external(namespace: string, metric: string, metricSelector: string): Promise<readonly number[]>;
}

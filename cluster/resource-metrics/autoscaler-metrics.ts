import type { MeasuredObject, MeasuredPod, MetricsSource } from "../../actors/controllers/autoscaling/metrics-source.ts";
import { resourceNotFound } from "../../actors/kinds/errors.ts";
import type { V2CrossVersionObjectReference } from "../../actors/kinds/generated/types.ts";
import { partsOf, resourceOf, splitApiVersion } from "../../actors/kinds/kind.ts";
import type { KindTable } from "../../actors/kinds/kinds.ts";
import { durationMs } from "../../actors/kinds/machinery/duration.ts";
import { matchesLabels, parseLabelSelector } from "../../actors/kinds/machinery/label-selector.ts";
import { parseQuantity, quantityMilliValue } from "../../actors/kinds/machinery/quantity.ts";
import { labelsOf } from "../../actors/kinds/metadata-text.ts";
import type { UsageReader } from "../../actors/node/usage/usage-reader.ts";
import { controllerRequester } from "../../actors/registry/authors.ts";
import type { View } from "../../actors/store/view.ts";
import type { RemoteCaller } from "../aggregation/remote-caller.ts";
import type { RemoteService, RemoteServices } from "../aggregation/remote-services.ts";
import { textOf } from "../aggregation/remote-text.ts";
import { METRICS_GROUP, METRICS_VERSION, type PodMetrics, WINDOW_MS } from "./kinds.ts";

const CUSTOM_GROUP = "custom.metrics.k8s.io";
/** The newest first. */
const CUSTOM_VERSIONS = ["v1beta2", "v1beta1"] as const;
const EXTERNAL_GROUP = "external.metrics.k8s.io";
const REQUESTER = controllerRequester("horizontal-pod-autoscaler");

const NANO_PER_MILLI = 1_000_000;
const MILLI = 1_000;

/** A metric as both versions of custom.metrics.k8s.io, and external.metrics.k8s.io, list it. */
interface ListedMetric {
  readonly describedObject?: { readonly name?: string };
  readonly value: string;
}

export interface AutoscalerMetricsOptions {
  readonly view: View;
  readonly kinds: KindTable;
  readonly services: RemoteServices;
  readonly caller: RemoteCaller;
  /** Who asks the nodes; undefined where there are none. */
  readonly usage: UsageReader | undefined;
}

/** Asks whoever serves the APIs of metrics: servers behind APIServices, and for usage the nodes where nobody has named another. */
export function autoscalerMetrics({ view, kinds, services, caller, usage }: AutoscalerMetricsOptions): MetricsSource {
  const list = async <T>(service: RemoteService, path: string, what: string): Promise<readonly T[]> => {
    if (!service.available) throw new Error(`the server is currently unable to handle the request (get ${what})`);
    const { code, text } = await textOf(caller, service, path, REQUESTER);
    const body = parsed(text) as { readonly items?: readonly T[]; readonly message?: string } | undefined;
    if (code !== 200) throw new Error(body?.message ?? `the server responded with the status code ${code} (get ${what})`);
    return body?.items ?? [];
  };
  const custom = (): RemoteService => {
    for (const version of CUSTOM_VERSIONS) {
      const service = services.find(CUSTOM_GROUP, version);
      if (service !== undefined) return service;
    }
    throw new Error(`no custom metrics API (${CUSTOM_GROUP}) registered`);
  };
  const resourceName = ({ apiVersion = "", kind }: V2CrossVersionObjectReference): string => {
    const [group] = splitApiVersion(apiVersion);
    const found = kinds.all().find((one) => one.group === group && one.kind === kind);
    if (found === undefined) throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`);
    return resourceOf(found);
  };
  return {
    async usage(namespace, selector) {
      const what = `pods.${METRICS_GROUP}`;
      const service = services.find(METRICS_GROUP, METRICS_VERSION);
      if (service !== undefined) {
        const path = `${root(service)}/namespaces/${namespace}/pods?labelSelector=${encodeURIComponent(selector)}`;
        return (await list<PodMetrics>(service, path, what)).map(measuredPod);
      }
      if (usage === undefined) throw new Error(`${resourceNotFound().message} (get ${what})`);
      const labels = parseLabelSelector(selector);
      const pods = await usage.pods(view.list("pods", namespace).filter(({ text }) => matchesLabels(labels, labelsOf(text))));
      return [...pods.values()].map(({ key, at_ms, containers }) => ({
        name: partsOf(key).name,
        at_ms,
        window_ms: WINDOW_MS,
        containers: containers.map(({ name, cpu_nanocores, memory_bytes }) => ({
          name,
          usage_milli: { cpu: Math.ceil(cpu_nanocores / NANO_PER_MILLI), memory: memory_bytes * MILLI },
        })),
      }));
    },
    async ofPods(namespace, selector, metric, metricSelector) {
      const service = custom();
      const query = queryOf({ labelSelector: selector, metricLabelSelector: metricSelector });
      const path = `${root(service)}/namespaces/${namespace}/pods/*/${encodeURIComponent(metric)}${query}`;
      return (await list<ListedMetric>(service, path, `pods.${CUSTOM_GROUP}`)).map(measuredObject);
    },
    async ofObject(namespace, object, metric, metricSelector) {
      const service = custom();
      const isNamespace = object.kind === "Namespace" && splitApiVersion(object.apiVersion ?? "")[0] === "";
      const where = isNamespace ? "metrics" : `${resourceName(object)}/${encodeURIComponent(object.name)}`;
      const query = queryOf({ metricLabelSelector: metricSelector });
      const path = `${root(service)}/namespaces/${namespace}/${where}/${encodeURIComponent(metric)}${query}`;
      const found = await list<ListedMetric>(service, path, `${where}.${CUSTOM_GROUP}`);
      const [only] = found;
      if (only === undefined || found.length > 1) {
        throw new Error(`the custom metrics API server returned ${found.length} results when we asked for exactly one`);
      }
      return measuredObject(only);
    },
    async external(namespace, metric, metricSelector) {
      const what = `${metric}.${EXTERNAL_GROUP}`;
      const service = services.find(EXTERNAL_GROUP, "v1beta1");
      if (service === undefined) throw new Error(`${resourceNotFound().message} (get ${what})`);
      const path = `${root(service)}/namespaces/${namespace}/${encodeURIComponent(metric)}${queryOf({ labelSelector: metricSelector })}`;
      return (await list<ListedMetric>(service, path, what)).map(({ value }) => milli(value));
    },
  };
}

function root({ group, version }: RemoteService): string {
  return `/apis/${group}/${version}`;
}

function queryOf(parameters: Readonly<Record<string, string>>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== "");
  return given.length === 0 ? "" : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`;
}

function measuredPod({ metadata, timestamp, window, containers }: PodMetrics): MeasuredPod {
  return {
    name: metadata.name,
    at_ms: Date.parse(timestamp),
    window_ms: durationMs(window) ?? 0,
    containers: containers.map(({ name, usage }) => ({
      name,
      usage_milli: Object.fromEntries(Object.entries(usage).map(([resource, amount]) => [resource, milli(amount)])),
    })),
  };
}

function measuredObject({ describedObject, value }: ListedMetric): MeasuredObject {
  return { name: describedObject?.name ?? "", value_milli: milli(value) };
}

function milli(text: string): number {
  return quantityMilliValue(parseQuantity(text));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

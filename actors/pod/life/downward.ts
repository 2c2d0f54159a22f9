/**
 * What a pod is told of itself. Pure. Source: kubelet's podFieldSelectorRuntimeValue and ExtractContainerResourceValue;
 * https://kubernetes.io/docs/concepts/workloads/pods/downward-api/
 */
import type { Container, Pod, ResourceFieldSelector } from "../../kinds/generated/types.ts";
import { parseQuantity, quantityMilliValue, quantityValue } from "../../kinds/machinery/quantity.ts";
import type { PodPlace } from "../pod-status.ts";

/** Undefined: there is no such field. */
export function fieldValue(pod: Pod, path: string, place: PodPlace): string | undefined {
  const { metadata, spec } = pod;
  const [, part, key] = /^metadata\.(annotations|labels)\['(.*)'\]$/.exec(path) ?? [];
  if (key !== undefined) return (part === "labels" ? metadata.labels : metadata.annotations)?.[key] ?? "";
  switch (path) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid;
    case "metadata.labels":
      return mapText(metadata.labels);
    case "metadata.annotations":
      return mapText(metadata.annotations);
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
    case "status.hostIPs":
      return place.hostIP;
    case "status.podIP":
    case "status.podIPs":
      return place.podIP;
    default:
      return undefined;
  }
}

/** `key="value"` a line, by key. */
function mapText(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join("\n");
}

/**
 * A container's request or limit in units of the divisor, rounded up. Without a limit of its own a container may take what the node has
 * for pods; without a request it requests its limit.
 */
export function resourceValue(
  { resource, divisor }: ResourceFieldSelector,
  { resources = {} }: Container,
  allocatable: Readonly<Record<string, string>>,
): string | undefined {
  const [, kind, name = ""] = /^(limits|requests)\.(.+)$/.exec(resource) ?? [];
  if (kind === undefined) return undefined;
  const { limits = {}, requests = {} } = resources;
  const quantity = kind === "limits" ? (limits[name] ?? allocatable[name]) : (requests[name] ?? limits[name]);
  const unit = divisor === undefined || divisor === "" || divisor === "0" ? "1" : String(divisor);
  const amount = name === "cpu" ? quantityMilliValue : quantityValue;
  return String(Math.ceil(amount(parseQuantity(quantity ?? "0")) / amount(parseQuantity(unit))));
}

import { qosClassOf } from "../../kinds/core/pod-qos.ts";
import type { Node, NodeRuntimeHandlerFeatures, Pod, RuntimeClass } from "../../kinds/generated/types.ts";
import { keyFor } from "../../kinds/kind.ts";
import { RuntimeFailure, type SandboxSpec } from "../../node/container-runtime.ts";
import type { ResolverConfig } from "../../node/dns/resolv-conf.ts";
import { podRequests } from "../../scheduler/resource-needs.ts";
import type { View } from "../../store/view.ts";
import type { PodPlace } from "../pod-status.ts";
import { ephemeralContainersOf, initContainersOf } from "./pod-containers.ts";
import { podLimits } from "./pod-limits.ts";

/** Of the kernel: a longer name than this it does not take. */
const KERNEL_NAME_MAX = 64;

/** How the pod asks about names, and its own in the cluster's domain. Throws RuntimeFailure. Source: kubelet's GeneratePodHostNameAndDomain, GetNodenameForKernel. */
export function sandboxSpecOf(
  pod: Pod,
  place: PodPlace,
  {
    attempt,
    dns,
    domain,
    handler,
  }: { readonly attempt: number; readonly dns: ResolverConfig; readonly domain: string; readonly handler: string },
): SandboxSpec {
  const { metadata, spec } = pod;
  const { name, namespace = "", uid } = metadata;
  // A host name has 63 characters at most.
  const hostname = (spec.hostnameOverride ?? (spec.hostname || name)).slice(0, 63).replace(/[-.]+$/, "");
  const { subdomain = "" } = spec;
  const fqdn = subdomain === "" ? undefined : `${hostname}.${subdomain}.${namespace}.svc.${domain}`;
  const isWhole = spec.setHostnameAsFQDN === true && fqdn !== undefined;
  if (isWhole && fqdn.length > KERNEL_NAME_MAX) {
    const told = `FQDN ${fqdn} is too long (${KERNEL_NAME_MAX} characters is the max, ${fqdn.length} characters requested)`;
    throw new RuntimeFailure("CreatePodSandboxError", `failed to construct FQDN from pod hostname and cluster domain, ${told}`);
  }
  const { nameservers, searches, options } = dns;
  const { runAsUser, runAsGroup, fsGroup, supplementalGroups = [], supplementalGroupsPolicy } = spec.securityContext ?? {};
  const all = [...initContainersOf(pod), ...spec.containers, ...ephemeralContainersOf(pod)];
  return {
    uid,
    namespace,
    name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    attempt,
    hostname: spec.hostNetwork === true ? "" : isWhole ? fqdn : hostname,
    address: place.podIP,
    hostNetwork: spec.hostNetwork === true,
    hostPID: spec.hostPID === true,
    hostIPC: spec.hostIPC === true,
    hostPorts: spec.containers.flatMap(({ ports = [] }) =>
      ports.flatMap(({ protocol = "TCP", containerPort, hostPort = 0, hostIP = "" }) =>
        hostPort === 0 ? [] : [{ protocol, containerPort, hostPort, hostIP }],
      ),
    ),
    isPrivileged: all.some(({ securityContext }) => securityContext?.privileged === true),
    user: {
      uid: runAsUser,
      gid: runAsGroup,
      groups: [...(fsGroup === undefined ? [] : [fsGroup]), ...supplementalGroups],
      isStrict: supplementalGroupsPolicy === "Strict",
    },
    handler,
    sharesProcesses: spec.shareProcessNamespace === true,
    sysctls: Object.fromEntries((spec.securityContext?.sysctls ?? []).map(({ name: setting, value }) => [setting, value])),
    qosClass: qosClassOf(pod),
    requests: podRequests(pod),
    limits: podLimits(pod),
    dns: { nameservers, searches, options },
    hostAliases: (spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => ({ address: ip, names: hostnames })),
    names: fqdn === undefined ? [hostname] : [fqdn, hostname],
  };
}

/**
 * How the pod's RuntimeClass wants it run; empty: in the usual way. Throws RuntimeFailure, also where its node cannot give it users of its own in that way. Source:
 * kubelet's LookupRuntimeHandler and GetOrCreateUserNamespaceMappings.
 */
export function handlerOf(view: Pick<View, "get">, pod: Pod): string {
  const { runtimeClassName = "", hostUsers } = pod.spec;
  const handler = handlerNamed(view, runtimeClassName);
  if (handler === undefined)
    throw new RuntimeFailure("CreatePodSandboxError", `runtimeclass.node.k8s.io ${JSON.stringify(runtimeClassName)} not found`);
  if (hostUsers !== false || featuresOf(view, pod).userNamespaces === true) return handler;
  const what = handler === "" ? "runtime" : `RuntimeClass handler ${JSON.stringify(handler)}`;
  throw new RuntimeFailure("CreatePodSandboxError", `can't set \`spec.hostUsers: false\`, ${what} does not support user namespaces`);
}

/** Undefined: there is no such RuntimeClass. */
function handlerNamed(view: Pick<View, "get">, runtimeClassName: string): string | undefined {
  if (runtimeClassName === "") return "";
  return view.get<RuntimeClass>(keyFor({ group: "node.k8s.io", plural: "runtimeclasses" }, undefined, runtimeClassName))?.handler;
}

/** What can be done for a pod in the way in which it is run, as its node says. */
export function featuresOf(view: Pick<View, "get">, { spec }: Pod): NodeRuntimeHandlerFeatures {
  const handler = handlerNamed(view, spec.runtimeClassName ?? "");
  const node = view.get<Node>(keyFor({ group: "", plural: "nodes" }, undefined, spec.nodeName ?? ""));
  return node?.status?.runtimeHandlers?.find(({ name = "" }) => name === handler)?.features ?? {};
}

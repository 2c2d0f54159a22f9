import { addressWarnings, rangeWarnings } from "../address-warnings.ts";
import type { Service } from "../generated/types.ts";

const HINTS = "service.kubernetes.io/topology-aware-hints";
const MODE = "service.kubernetes.io/topology-mode";

/** Source: GetWarningsForService of pkg/api/service. */
export function serviceWarnings({ metadata, spec }: Service): string[] {
  const { clusterIPs = [], externalIPs = [], loadBalancerIP, loadBalancerSourceRanges = [], sessionAffinity, type, externalName } = spec;
  const headless = clusterIPs.length === 1 && clusterIPs[0] === "None";
  const ignored = (field: string): string => `${field} is ignored for headless services`;
  const warnings = metadata.annotations?.[HINTS] === undefined ? [] : [`annotation ${HINTS} is deprecated, please use ${MODE} instead`];
  if (!headless) warnings.push(...clusterIPs.flatMap((ip, index) => addressWarnings(ip, `spec.clusterIPs[${index}]`)));
  else {
    if (loadBalancerIP) warnings.push(ignored("spec.loadBalancerIP"));
    if (externalIPs.length > 0) warnings.push(ignored("spec.externalIPs"));
    if (sessionAffinity !== "None") warnings.push(ignored("spec.SessionAffinity"));
  }
  warnings.push(
    ...externalIPs.flatMap((ip, index) => addressWarnings(ip, `spec.externalIPs[${index}]`)),
    ...addressWarnings(loadBalancerIP ?? "", "spec.loadBalancerIP"),
    ...loadBalancerSourceRanges.flatMap((range, index) => rangeWarnings(range, `spec.loadBalancerSourceRanges[${index}]`)),
  );
  if (type === "ExternalName" && externalIPs.length > 0) warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  if (type !== "ExternalName" && externalName) warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  return warnings;
}

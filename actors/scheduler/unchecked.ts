/** Names of extended resources: of a domain, and not of Kubernetes' own. Source: v1helper.IsExtendedResourceName. */
function isExtended(name: string): boolean {
  return name.includes("/") && !name.includes("kubernetes.io/") && !name.startsWith("requests.");
}

/** Resources that NodeResourcesFit is told to leave to somebody else; plain data that crosses threads. */
export interface Unchecked {
  readonly resources: readonly string[];
  /** What stands before the slash of resources. */
  readonly groups: readonly string[];
}

/** Of what a pod requests, what need not fit; it is counted nevertheless. Only extended resources can be left out. Source: fitsRequest. */
export function uncheckedOf(requests: Readonly<Record<string, number>>, { resources, groups }: Unchecked): string[] {
  return Object.keys(requests).filter(
    (name) => isExtended(name) && (resources.includes(name) || groups.includes(name.slice(0, name.indexOf("/")))),
  );
}

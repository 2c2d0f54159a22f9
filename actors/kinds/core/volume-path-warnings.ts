/** Files of one volume that would stand in each other's way. Source: warningsForOverlappingVirtualPaths of pkg/api/pod. */
import { goQuote } from "../field-error.ts";
import type { Volume, VolumeProjection } from "../generated/types.ts";

interface VirtualPath {
  readonly path: string;
  /** What brings it; empty where that is the volume itself. */
  readonly source: string;
}

function printed({ path, source }: VirtualPath): string {
  return source === "" ? goQuote(path) : `${goQuote(path)} (${source})`;
}

function overlap(a: string, b: string): boolean {
  return `${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`);
}

/** Paths of one volume that are compared, each with all before it, and pairs that are named: more than any answer has room for. */
const PATHS_MAX = 500;

/** `"a/b" with "a"`, for each pair. */
function overlaps(paths: readonly VirtualPath[]): string[] {
  const trimmed = paths.slice(0, PATHS_MAX).map(({ path, source }) => ({ path: path.replace(/\/+$/, ""), source }));
  const pairs: string[] = [];
  for (const [index, own] of trimmed.entries()) {
    if (own.path === "") continue;
    for (const other of trimmed.slice(0, index)) {
      if (pairs.length === PATHS_MAX) return pairs;
      if (other.path !== "" && overlap(other.path, own.path)) pairs.push(`${printed(own)} with ${printed(other)}`);
    }
  }
  return pairs;
}

function pathsOf(items: readonly { readonly path: string }[] | undefined, source: string): VirtualPath[] {
  return (items ?? []).map(({ path }) => ({ path, source }));
}

function projectedPaths(source: VolumeProjection): VirtualPath[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  if (configMap?.items !== undefined) return pathsOf(configMap.items, `ConfigMap ${goQuote(configMap.name ?? "")}`);
  if (secret?.items !== undefined) return pathsOf(secret.items, `Secret ${goQuote(secret.name ?? "")}`);
  if (downwardAPI?.items !== undefined) return pathsOf(downwardAPI.items, "DownwardAPI");
  if (serviceAccountToken !== undefined) return pathsOf([serviceAccountToken], "ServiceAccountToken");
  if (clusterTrustBundle !== undefined) {
    const name = clusterTrustBundle.name ?? clusterTrustBundle.signerName ?? "";
    return pathsOf([clusterTrustBundle], `ClusterTrustBundle ${goQuote(name)}`);
  }
  const { certificateChainPath: chain, keyPath: key, credentialBundlePath: bundle } = podCertificate ?? {};
  return Object.entries({ chain, key, "credential bundle": bundle }).flatMap(([what, path]) =>
    path ? [{ path, source: `PodCertificate ${what}` }] : [],
  );
}

function volumeWarnings({ name, configMap, secret, downwardAPI, projected }: Volume): string[] {
  const warn = (what: string, paths: readonly VirtualPath[]): string[] =>
    overlaps(paths).map((pair) => `volume ${goQuote(name)} (${what}): overlapping paths: ${pair}`);
  const sources = projected?.sources ?? [];
  const empty = sources.filter((source) => Object.keys(source).length === 0);
  return [
    ...warn(`ConfigMap ${goQuote(configMap?.name ?? "")}`, pathsOf(configMap?.items, "")),
    ...warn(`Secret ${goQuote(secret?.secretName ?? "")}`, pathsOf(secret?.items, "")),
    ...warn("DownwardAPI", pathsOf(downwardAPI?.items, "")),
    ...empty.map(() => `volume ${goQuote(name)} (Projected) has no sources provided`),
    ...warn("Projected", sources.flatMap(projectedPaths)),
  ];
}

export function volumePathWarnings(volumes: readonly Volume[] | undefined): string[] {
  return (volumes ?? []).flatMap(volumeWarnings);
}

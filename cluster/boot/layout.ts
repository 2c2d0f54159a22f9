/** The JetStream stream that holds the store's log. */
export const LOG_STREAM = "troupe-log";

/** The JetStream key-value bucket that holds the table of hosts and their leases. */
export const MEMBERS_BUCKET = "troupe-members";

/** Where the data directory has the store's high-water mark: how far the log is known to have come. */
export const HIGH_WATER_FILE = "store/high-water";

/** Where the data directory has the files of pods that are processes, and the socket of who keeps them. */
export const PODS_DIRECTORY = "pods";

/** Where the data directory has volumes that were made on demand, unless they are told to be elsewhere. */
export const VOLUMES_DIRECTORY = "volumes";

/** Where the data directory has, for each node with real pods, plugins and what they mount. */
export const NODES_DIRECTORY = "nodes";

/** Where the data directory has images for sandboxes, unless they are told to be elsewhere; and what they were unpacked to. */
export const IMAGES_DIRECTORY = "images";
/** Of manifests of static pods: people's. */
export const MANIFESTS_DIRECTORY = "manifests";
export const UNPACKED_IMAGES_DIRECTORY = "unpacked-images";

/** Where the data directory has profiles of seccomp that pods may name. */
export const SECCOMP_DIRECTORY = "seccomp";

/** In the data directory while a restore into it is under way; it stays there when that was cut short. */
export const RESTORING_FILE = "restoring";

/** What a host can be given to do. Each role brings its own kinds of actors. */
export type Role = "gateway" | "store" | "controllers" | "scheduler" | "nodes";

export interface HostPlan {
  /** Unique among the hosts; part of its NATS subject. */
  readonly name: string;
  readonly roles: readonly Role[];
}

/** Kinds of actors by the role that offers them. The gateway has none: it is a door. */
export const KINDS_OF_ROLE: Readonly<Record<Role, readonly string[]>> = {
  gateway: [],
  store: ["writer", "snapshotter", "scrubber", "definitions"],
  controllers: ["controller"],
  scheduler: ["scheduler"],
  nodes: ["fleet", "node", "pod", "static-pods", "eviction", "stages", "pod-network", "service-proxy", "dns", "ingress"],
};

/** A part of a cluster that can be run by itself; each has the API and its store. */
export const ONLY = ["api", "scheduler"] as const;
export type Only = (typeof ONLY)[number];

export const THREADS_MAX = 64;

/** From so many nodes to play on, playing them is the work of a thread. */
const MANY_NODES = 2_000;

/**
 * How many hosts serve best on so many cores, with so many hollow nodes. nats-server, the garbage collector's threads and the clients want some too, and each host
 * that reads the store pays for a replica: docs/adr/0005 has the figures.
 */
export function threadsFor(cores: number, nodes = 0): number {
  if (cores < 4) return cores > 1 && nodes >= MANY_NODES ? 2 : 1;
  return cores < 8 ? 2 : 3;
}

/**
 * Deals the roles out to `threads` hosts. Few threads share roles in the order of how much they talk to one another; with more than
 * four, the rest play nodes and pods. Of two, one is the clients', or the nodes' where these are many.
 */
export function planHosts(threads: number, only: Only | undefined, nodes = 0): readonly HostPlan[] {
  if (only !== undefined) {
    const store: readonly Role[] = only === "scheduler" ? ["store", "scheduler"] : ["store"];
    return threads === 1
      ? [{ name: "api", roles: ["gateway", ...store] }]
      : [
          { name: "gateway", roles: ["gateway"] },
          { name: "store", roles: store },
        ];
  }
  switch (threads) {
    case 1:
      return [{ name: "all", roles: ["gateway", "store", "controllers", "scheduler", "nodes"] }];
    case 2:
      if (nodes >= MANY_NODES) {
        return [
          { name: "control", roles: ["gateway", "store", "controllers", "scheduler"] },
          { name: "nodes-1", roles: ["nodes"] },
        ];
      }
      return [
        { name: "gateway", roles: ["gateway"] },
        { name: "control", roles: ["store", "controllers", "scheduler", "nodes"] },
      ];
    case 3:
      return [
        { name: "gateway", roles: ["gateway"] },
        { name: "control", roles: ["store", "controllers", "scheduler"] },
        { name: "nodes-1", roles: ["nodes"] },
      ];
    default:
      return [
        { name: "gateway", roles: ["gateway"] },
        { name: "store", roles: ["store"] },
        { name: "control", roles: ["controllers", "scheduler"] },
        ...Array.from({ length: threads - 3 }, (_, index): HostPlan => ({ name: `nodes-${index + 1}`, roles: ["nodes"] })),
      ];
  }
}

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { ClusterDoor } from "../actors-top/access.ts";
import { DataDirectory } from "../boot/data-directory.ts";

/** What `troupe status` says, with -o json and -o yaml as it stands here. */
export type Status = Stopped | Starting | Running;

/** No Troupe runs on the directory. */
export interface Stopped {
  readonly data: string;
  readonly state: "stopped";
  /** Whether there is a cluster, or what makes a machine a member of one, to go on with. */
  readonly cluster: boolean;
  /** Of the directory's files. */
  readonly bytes: number;
}

/** One runs and is not ready, or is not any more. */
export interface Starting {
  readonly data: string;
  readonly state: "starting";
  readonly pid: number;
}

/** One runs and is ready. */
export interface Running {
  readonly data: string;
  readonly state: "running";
  readonly pid: number;
  readonly version: string;
  /** When it was ready, in RFC 3339. */
  readonly since: string;
  readonly addresses: { readonly api: string; readonly console?: string; readonly nats: string };
  readonly kubeconfig: string;
  readonly caution?: string;
  /** Of a machine that has joined a cluster: its Node. All below is of the cluster, then not known here. */
  readonly node?: string;
  readonly nodes?: { readonly total: number; readonly ready: number };
  readonly pods?: { readonly total: number; readonly byPhase: Readonly<Record<Phase, number>> };
  readonly actors?: number;
  readonly store?: { readonly revision: number; readonly objects: number; readonly logBytes: number; readonly snapshots: number };
}

type Phase = "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";

/** Phases that are counted; all other pods run. */
const COUNTED = ["Pending", "Succeeded", "Failed", "Unknown"] as const;

/** What status.json says. */
interface StatusFile {
  readonly pid: number;
  readonly api: string;
  readonly console?: string;
  readonly nats: string;
  readonly kubeconfig: string;
  readonly version: string;
  readonly caution?: string;
  readonly node?: string;
}

/** Looks at a data directory, and asks the cluster that runs on it. Throws BootFailure when that does not answer. */
export async function statusOf(directory: string): Promise<Status> {
  const data = resolve(directory);
  const pid = DataDirectory.holder(data);
  if (pid === undefined) {
    const cluster = ["pki", "member.json"].some((name) => existsSync(join(data, name)));
    return { data, state: "stopped", cluster, bytes: existsSync(data) ? bytesIn(data) : 0 };
  }
  const path = join(data, "status.json");
  if (!existsSync(path)) return { data, state: "starting", pid };
  const { version, api, console, nats, kubeconfig, caution, node } = JSON.parse(readFileSync(path, "utf8")) as StatusFile;
  const known = {
    data,
    state: "running" as const,
    pid,
    version,
    since: statSync(path).mtime.toISOString(),
    addresses: { api, ...(console === undefined ? {} : { console }), nats },
    kubeconfig,
    ...(caution === undefined ? {} : { caution }),
  };
  return node === undefined ? { ...known, ...(await contentsOf(data)) } : { ...known, node };
}

async function contentsOf(data: string): Promise<Required<Pick<Running, "nodes" | "pods" | "actors" | "store">>> {
  const door = ClusterDoor.open(data);
  try {
    const [metrics, nodes, ...counts] = await Promise.all([
      door.text("/metrics"),
      door.table("/api/v1/nodes"),
      ...COUNTED.map((phase) => door.table(`/api/v1/pods?fieldSelector=status.phase%3D${phase}`)),
    ]);
    const family = samplesOf(metrics);
    const total = family("apiserver_storage_objects", 'resource="pods"');
    const counted = Object.fromEntries(COUNTED.map((phase, index) => [phase, counts[index]?.rows.length ?? 0])) as Record<
      (typeof COUNTED)[number],
      number
    >;
    const others = COUNTED.reduce((sum, phase) => sum + counted[phase], 0);
    return {
      nodes: { total: nodes.rows.length, ready: nodes.rows.filter(({ cells }) => String(cells[1]).split(",")[0] === "Ready").length },
      pods: { total, byPhase: { Running: Math.max(0, total - others), ...counted } },
      actors: family("troupe_actors"),
      store: {
        revision: Number(nodes.metadata.resourceVersion),
        objects: family("apiserver_storage_objects"),
        logBytes: family("troupe_store_log_bytes"),
        snapshots: family("troupe_store_snapshots"),
      },
    };
  } finally {
    await door.close();
  }
}

/** The sum of a metric's samples, of those with this label alone where one is named. */
function samplesOf(page: string): (name: string, label?: string) => number {
  const lines = page.split("\n");
  return (name, label) =>
    lines
      .filter((line) => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && (label === undefined || line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
}

function bytesIn(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

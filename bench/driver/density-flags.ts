import { parseArgs } from "node:util";
import { BenchFailure } from "../failure.ts";
import { POD_SHAPES, type PodShape } from "./pod-shape.ts";

/** What a density run was asked for. */
export interface DensityFlags {
  readonly kubeconfig: string;
  readonly pods: number;
  readonly shape: PodShape;
  /** Creates in flight, each on a connection of its own. */
  readonly concurrency: number;
  readonly namespace: string;
  /** How far pods are followed: a cluster without node agents never gets past `scheduled`. */
  readonly until: "scheduled" | "running";
  readonly timeout_s: number;
  readonly keep: boolean;
  readonly json: boolean;
}

export const DENSITY_USAGE: string = `npm run bench -- density --kubeconfig FILE [flags]

Creates pods one by one on any Kubernetes API server, follows them to Running by a watch, and deletes them.

  --kubeconfig FILE          the cluster (its current context), by client certificate or token
  --pods N                   how many (default 1000)
  --shape ${POD_SHAPES.join("|").padEnd(19)}what kind of pod (default basic)
  --concurrency N            creates in flight (default 64)
  --namespace NAME           where; made, and deleted again, when absent (default density)
  --until scheduled|running  how far pods are followed (default running)
  --timeout SECONDS          give up after this long (default 600)
  --keep                     leave the pods there
  --json                     one line per figure: {"suite","case","metric","value","unit","conditions"}
`;

const PODS_MAX = 10_000_000;
const CONCURRENCY_MAX = 10_000;
const TIMEOUT_S_MAX = 86_400;

/** Parses the flags of `bench density`. Throws BenchFailure with exit code 2. */
export function parseDensityFlags(args: readonly string[]): DensityFlags {
  let values: Readonly<Record<string, string | boolean | undefined>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        kubeconfig: { type: "string" },
        pods: { type: "string", default: "1000" },
        shape: { type: "string", default: "basic" },
        concurrency: { type: "string", default: "64" },
        namespace: { type: "string", default: "density" },
        until: { type: "string", default: "running" },
        timeout: { type: "string", default: "600" },
        keep: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw wrong((error as Error).message.split(/\.?\s*\n|\. /)[0] ?? "");
  }
  const text = (name: string): string => String(values[name] ?? "");
  const number = (name: string, most: number): number => {
    const value = Number(text(name));
    if (/^\d+$/.test(text(name)) && value >= 1 && value <= most) return value;
    throw wrong(`--${name} ${text(name)} is not a whole number from 1 to ${most}`);
  };
  const choice = <T extends string>(name: string, choices: readonly T[]): T => {
    const found = choices.find((each) => each === text(name));
    if (found !== undefined) return found;
    throw wrong(`--${name} ${text(name)} is none of ${choices.join(", ")}`);
  };
  if (text("kubeconfig") === "") throw wrong("--kubeconfig FILE is missing: it says which cluster to load");
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text("namespace")))
    throw wrong(`--namespace ${text("namespace")} is not a name that a namespace can have`);
  return {
    kubeconfig: text("kubeconfig"),
    pods: number("pods", PODS_MAX),
    shape: choice("shape", POD_SHAPES),
    concurrency: number("concurrency", CONCURRENCY_MAX),
    namespace: text("namespace"),
    until: choice("until", ["scheduled", "running"]),
    timeout_s: number("timeout", TIMEOUT_S_MAX),
    keep: values.keep === true,
    json: values.json === true,
  };
}

function wrong(what: string): BenchFailure {
  return new BenchFailure(`${what}; see npm run bench -- density --help`, 2);
}

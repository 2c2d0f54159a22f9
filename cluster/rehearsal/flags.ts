import { DATA, type Flags, parseFlags, parseOperands, type Values } from "../command-line/flag.ts";
import { type Format, formatOf, OUTPUT } from "../command-line/output.ts";
import { WrongUsage } from "../command-line/wrong-usage.ts";

interface CommonFlags {
  /** The data directory of the cluster. */
  readonly data: string;
  readonly format: Format;
  /** A KubeSchedulerConfiguration; undefined: Kubernetes' default. */
  readonly schedulerConfig: string | undefined;
}

/** What `troupe why` was asked for. */
export interface WhyFlags extends CommonFlags {
  readonly namespace: string;
  readonly pod: string;
}

/** What `troupe what-if` was asked for. */
export interface WhatIfFlags extends CommonFlags {
  /** Files with pods, and objects that have a template of pods. */
  readonly files: readonly string[];
  /** A file with nodes that are there beside those of the cluster, or in their place. */
  readonly nodes: string | undefined;
  /** The namespace of pods that name none. */
  readonly namespace: string;
  /** Without a cluster: on the nodes of the file alone. */
  readonly offline: boolean;
}

const COMMON = {
  output: OUTPUT,
  data: DATA,
  "scheduler-config": { value: "FILE", help: "profiles, plugins and extenders, as kube-scheduler's --config has them" },
} as const;
const WHY = { namespace: { short: "n", value: "NAMESPACE", default: "default", help: "of the pod" }, ...COMMON } as const;
const WHAT_IF = {
  filename: { short: "f", value: "FILE", many: true, help: "pods, or objects with a template of pods" },
  nodes: { value: "FILE", help: "with these nodes beside those there are, or in their place" },
  offline: { help: "without a cluster: on the nodes of --nodes alone" },
  namespace: { short: "n", value: "NAMESPACE", default: "default", help: "of pods that name none" },
  ...COMMON,
} as const;
export const WHY_FLAGS: Flags = WHY;
export const WHAT_IF_FLAGS: Flags = WHAT_IF;

/** Parses the flags of `troupe why POD`. Throws WrongUsage. */
export function parseWhyFlags(args: readonly string[]): WhyFlags {
  const { values, operands } = parseOperands("why", WHY, args);
  const [pod, ...others] = operands;
  if (pod === undefined || others.length > 0) throw new WrongUsage("why takes the name of one pod; see troupe help why");
  return { pod: pod.replace(/^pods?\//, ""), namespace: values.namespace, ...common(values) };
}

/** Parses the flags of `troupe what-if`. Throws WrongUsage. */
export function parseWhatIfFlags(args: readonly string[]): WhatIfFlags {
  const values = parseFlags("what-if", WHAT_IF, args);
  const { filename: files, nodes, offline, namespace } = values;
  if (files.length === 0) throw new WrongUsage("what-if wants the pods: -f FILE; see troupe help what-if");
  if (offline && nodes === undefined)
    throw new WrongUsage(`--offline wants --nodes FILE: without a cluster the nodes are those of the file`);
  return { files, nodes, offline, namespace, ...common(values) };
}

function common(values: Values<typeof COMMON>): CommonFlags {
  const { data, output } = values;
  return { data: data || DATA.default, format: formatOf(OUTPUT, output), schedulerConfig: values["scheduler-config"] };
}

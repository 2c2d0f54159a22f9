import { parseArgs } from "node:util";
import { usageOf, WrongUsage } from "../command-line/wrong-usage.ts";

interface CommonFlags {
  /** The data directory of the cluster. */
  readonly data: string;
  readonly json: boolean;
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

const HELP = "npm run troupe -- help";
const COMMON = {
  data: { type: "string", default: ".troupe" },
  namespace: { type: "string", short: "n", default: "default" },
  output: { type: "string", short: "o", default: "table" },
  "scheduler-config": { type: "string" },
} as const;

/** Parses the flags of `troupe why POD`. Throws WrongUsage. */
export function parseWhyFlags(args: readonly string[]): WhyFlags {
  const { values, positionals } = usageOf(HELP, () =>
    parseArgs({ args: [...args], strict: true, allowPositionals: true, options: COMMON }),
  );
  const [pod, ...others] = positionals;
  if (pod === undefined || others.length > 0) throw new WrongUsage(`why takes the name of one pod; see ${HELP}`);
  return { pod: pod.replace(/^pods?\//, ""), namespace: values.namespace, ...common(values) };
}

/** Parses the flags of `troupe what-if`. Throws WrongUsage. */
export function parseWhatIfFlags(args: readonly string[]): WhatIfFlags {
  const { values } = usageOf(HELP, () =>
    parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        ...COMMON,
        filename: { type: "string", short: "f", multiple: true },
        nodes: { type: "string" },
        offline: { type: "boolean", default: false },
      },
    }),
  );
  const { filename: files = [], nodes, offline, namespace } = values;
  if (files.length === 0) throw new WrongUsage(`what-if wants the pods: -f FILE; see ${HELP}`);
  if (offline && nodes === undefined)
    throw new WrongUsage(`--offline wants --nodes FILE: without a cluster the nodes are those of the file`);
  return { files, nodes, offline, namespace, ...common(values) };
}

function common(values: { readonly data: string; readonly output: string; readonly "scheduler-config"?: string | undefined }): CommonFlags {
  const { data, output } = values;
  if (output !== "table" && output !== "json") throw new WrongUsage(`-o ${output} is none of table, json`);
  return { data: data || ".troupe", json: output === "json", schedulerConfig: values["scheduler-config"] };
}

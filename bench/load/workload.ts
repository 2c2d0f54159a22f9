import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { BenchFailure } from "../failure.ts";
import { Part } from "./document.ts";
import { BUILT_IN_TEMPLATES, type Template } from "./templates.ts";

/**
 * What is done to a cluster, in the spirit of ClusterLoader2: objects by template over many namespaces, in phases. All steps of a phase go on at the
 * same time, spread over its time where it has one. docs/benchmarks.md has the format for those who write one.
 */
export interface Workload {
  readonly name: string;
  /** So many are made for the run, and deleted with it. */
  readonly namespaces: number;
  readonly templates: Readonly<Record<string, Template>>;
  readonly phases: readonly Phase[];
}

export interface Phase {
  readonly name: string;
  /** How long its steps go on, those that end by themselves excepted; 0: until each is through. */
  readonly for_ms: number;
  readonly steps: readonly Step[];
  /** How long to wait at its end for every pod that the run's objects ask for to be seen Running; 0: not at all. */
  readonly wait_ms: number;
  /** Whether the start of pods is timed to the millisecond, at the cost of a second watch. */
  readonly startUp: boolean;
}

export type Step =
  /** `count` objects of a template in each of so many namespaces, called `<object>-<number>`. */
  | {
      readonly do: "create";
      readonly object: string;
      readonly template: string;
      readonly namespaces: number;
      readonly count: number;
      readonly replicas: number;
    }
  /** A share of the objects is set to another size, one after another. */
  | { readonly do: "scale"; readonly object: string; readonly share: number; readonly replicas: number }
  /** A share of the pods that run is deleted, one by one, and their owners make others. */
  | { readonly do: "replace"; readonly share: number }
  /** The pod template of a share of the objects is changed. */
  | { readonly do: "update"; readonly object: string; readonly share: number }
  | { readonly do: "delete"; readonly object: string; readonly share: number }
  /** So many nodes are removed, one after another, and come back. */
  | { readonly do: "killNodes"; readonly count: number; readonly away_ms: number }
  /** Calls that read: single pods, lists of namespaces, and once in a while a list of all pods. */
  | { readonly do: "read"; readonly perSecond: number };

const NAMESPACES_MAX = 10_000;
const COUNT_MAX = 100_000;
const REPLICAS_MAX = 1_000_000;
const READS_MAX = 10_000;
const NAME = /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/;
const A_NAME = "a name of small letters, digits and -, at most 32";
const STEPS = ["create", "scale", "replace", "update", "delete", "killNodes", "read"] as const;

/** Reads a workload file. Throws BenchFailure that names the file, the path in it, and what is accepted there. */
export function readWorkload(file: string): Workload {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new BenchFailure(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}); --workload wants a YAML file`, 2);
  }
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) throw new BenchFailure(`${file} is no YAML: ${problem.message.split("\n")[0]}`, 2);
  return workloadOf(new Part(document.toJS(), file));
}

export function workloadOf(document: Part): Workload {
  const { name, namespaces, templates, phases } = document.members(["name", "namespaces", "templates", "phases"]);
  const known: Readonly<Record<string, Template>> = { ...BUILT_IN_TEMPLATES, ...(templates.isThere ? templatesOf(templates) : {}) };
  const objects = new Set<string>();
  return {
    name: name.text(NAME, A_NAME),
    namespaces: namespaces.isThere ? namespaces.count(1, NAMESPACES_MAX) : 1,
    templates: known,
    phases: phases.items("a list of phases, each with name, steps, for, wait, startUp").map((phase) => phaseOf(phase, known, objects)),
  };
}

function templatesOf(part: Part): Record<string, Template> {
  const found = part.entries("a mapping from names to manifests").map(([name, manifest]) => {
    const members = new Map(manifest.entries("a manifest: a mapping with apiVersion and kind"));
    for (const member of ["apiVersion", "kind"]) (members.get(member) ?? manifest).text(/^\S+$/, `a manifest with ${member}`);
    return [name, manifest.value as Template] as const;
  });
  return Object.fromEntries(found);
}

function phaseOf(part: Part, templates: Readonly<Record<string, Template>>, objects: Set<string>): Phase {
  const { name, steps, for: time, wait, startUp } = part.members(["name", "steps", "for", "wait", "startUp"]);
  return {
    name: name.text(NAME, A_NAME),
    for_ms: time.isThere ? time.duration_ms() : 0,
    steps: steps.isThere ? steps.items(`a list of steps: ${STEPS.join(", ")}`).map((step) => stepOf(step, templates, objects)) : [],
    wait_ms: wait.isThere ? wait.duration_ms() : 0,
    startUp: startUp.isThere ? startUp.oneOf(["measured", "unmeasured"]) === "measured" : true,
  };
}

/** `objects`: what phases so far have made, for steps that change it. */
function stepOf(part: Part, templates: Readonly<Record<string, Template>>, objects: Set<string>): Step {
  const members = part.members(STEPS);
  const named = STEPS.filter((name) => members[name].isThere);
  const [kind] = named;
  if (kind === undefined || named.length > 1) throw part.wrong(`a mapping with one of ${STEPS.join(", ")}`);
  const body = members[kind];
  const madeBefore = (object: Part): string => object.oneOf([...objects]);
  switch (kind) {
    case "create": {
      const { object, template, namespaces, count, replicas } = body.members(["object", "template", "namespaces", "count", "replicas"]);
      const called = object.text(NAME, A_NAME);
      objects.add(called);
      return {
        do: kind,
        object: called,
        template: template.oneOf(Object.keys(templates)),
        namespaces: namespaces.isThere ? namespaces.count(1, NAMESPACES_MAX) : NAMESPACES_MAX,
        count: count.isThere ? count.count(1, COUNT_MAX) : 1,
        replicas: replicas.isThere ? replicas.count(0, REPLICAS_MAX) : 1,
      };
    }
    case "scale": {
      const { object, share, replicas } = body.members(["object", "share", "replicas"]);
      return { do: kind, object: madeBefore(object), share: shareOf(share), replicas: replicas.count(0, REPLICAS_MAX) };
    }
    case "replace":
      return { do: kind, share: body.members(["share"]).share.share() };
    case "update":
    case "delete": {
      const { object, share } = body.members(["object", "share"]);
      return { do: kind, object: madeBefore(object), share: shareOf(share) };
    }
    case "killNodes": {
      const { count, away } = body.members(["count", "away"]);
      return { do: kind, count: count.count(1, COUNT_MAX), away_ms: away.duration_ms() };
    }
    case "read":
      return { do: kind, perSecond: body.members(["perSecond"]).perSecond.count(1, READS_MAX) };
  }
}

function shareOf(part: Part): number {
  return part.isThere ? part.share() : 1;
}

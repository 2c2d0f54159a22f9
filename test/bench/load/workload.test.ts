import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readWorkload } from "../../../bench/load/workload.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "troupe-workload-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(text: string): ReturnType<typeof readWorkload> {
  const file = join(folder, "w.yaml");
  writeFileSync(file, text);
  return readWorkload(file);
}

const WORKLOADS = "bench/workloads";

describe("workload files", () => {
  test.each(readdirSync(WORKLOADS))("%s can be read", (file) => {
    expect(readWorkload(join(WORKLOADS, file)).phases.length).toBeGreaterThan(0);
  });

  test("phases, steps and templates of its own", () => {
    const workload = read(`
name: own
namespaces: 3
templates:
  bare: { apiVersion: v1, kind: Pod, spec: { containers: [{ name: a, image: b }] } }
phases:
  - name: fill
    startUp: unmeasured
    steps:
      - create: { object: p, template: bare, count: 2 }
      - create: { object: d, template: deployment, namespaces: 1, replicas: 7 }
    wait: 90s
  - name: live
    for: 1.5m
    steps:
      - replace: { share: 10% }
      - scale: { object: d, replicas: 3 }
      - killNodes: { count: 1, away: 500ms }
`);
    expect(workload).toMatchObject({ name: "own", namespaces: 3 });
    expect(workload.phases).toEqual([
      {
        name: "fill",
        for_ms: 0,
        wait_ms: 90_000,
        startUp: false,
        steps: [
          { do: "create", object: "p", template: "bare", namespaces: 10_000, count: 2, replicas: 1 },
          { do: "create", object: "d", template: "deployment", namespaces: 1, count: 1, replicas: 7 },
        ],
      },
      {
        name: "live",
        for_ms: 90_000,
        wait_ms: 0,
        startUp: true,
        steps: [
          { do: "replace", share: 0.1 },
          { do: "scale", object: "d", share: 1, replicas: 3 },
          { do: "killNodes", count: 1, away_ms: 500 },
        ],
      },
    ]);
  });

  const phase = (steps: string): string => `name: a\nphases: [{ name: b, steps: [${steps}] }]`;
  test.each([
    ["name: a", "phases is missing; accepted: a list of phases, each with name, steps, for, wait, startUp"],
    ["name: A b\nphases: [{ name: c }]", 'name is "A b"; accepted: a name of small letters, digits and -, at most 32'],
    ["nmae: a", "nmae is not known here; accepted: name, namespaces, templates, phases"],
    ["[]", "the document is []; accepted: a mapping with name, namespaces, templates, phases"],
    [
      phase("{ creat: {} }"),
      "phases[0].steps[0].creat is not known here; accepted: create, scale, replace, update, delete, killNodes, read",
    ],
    [phase("{}"), "phases[0].steps[0] is {}; accepted: a mapping with one of create, scale, replace, update, delete, killNodes, read"],
    [
      phase("{ create: { object: x, template: pod } }"),
      'phases[0].steps[0].create.template is "pod"; accepted: deployment, statefulset, daemonset, job, service, configmap, secret',
    ],
    [
      phase("{ create: { object: x, template: job, count: 0 } }"),
      "phases[0].steps[0].create.count is 0; accepted: a whole number from 1 to 100000",
    ],
    [phase("{ replace: { share: 0.1 } }"), "phases[0].steps[0].replace.share is 0.1; accepted: a percentage from 0% to 100%"],
    [phase("{ replace: { share: 101% } }"), 'phases[0].steps[0].replace.share is "101%"; accepted: a percentage from 0% to 100%'],
    [
      phase("{ create: { object: x, template: job } }, { scale: { object: y, replicas: 1 } }"),
      'phases[0].steps[1].scale.object is "y"; accepted: x',
    ],
    [
      phase("{ killNodes: { count: 1, away: 30 } }"),
      "phases[0].steps[0].killNodes.away is 30; accepted: a duration such as 500ms, 30s, 10m or 1h, at most 24h",
    ],
    [
      "name: a\ntemplates: { x: { kind: Pod } }\nphases: [{ name: b }]",
      'templates.x is {"kind":"Pod"}; accepted: a manifest with apiVersion',
    ],
  ])("%j is refused", (text, message) => {
    expect(() => read(text)).toThrow(`${join(folder, "w.yaml")}: ${message}`);
  });

  test("what is no YAML, and what is not there", () => {
    expect(() => read("a: [")).toThrow(/w\.yaml is no YAML: /);
    expect(() => readWorkload(join(folder, "none.yaml"))).toThrow("none.yaml cannot be read (ENOENT); --workload wants a YAML file");
  });
});

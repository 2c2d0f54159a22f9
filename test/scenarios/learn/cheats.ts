import { deployment, RESTART, without } from "./deployment.ts";
import { isReady, type Player, paths } from "./player.ts";
import { binding, database, spread } from "./solutions.ts";

export interface Cheat {
  readonly challenge: string;
  /** What somebody does who does not do what is asked. */
  readonly trick: string;
  readonly do: (me: Player, namespace: string) => Promise<unknown>;
  /** How the checks stand then: what the trick achieves holds, so it was looked at, and what it was to get around does not. */
  readonly leaves: Readonly<Record<string, boolean>>;
}

/** Half the work, or another work that looks like it. Each is done on an attempt of its own. */
export const CHEATS: readonly Cheat[] = [
  {
    challenge: "deploy",
    trick: "another image",
    do: (me, ns) => me.post(paths(ns).deployments(), deployment("web", 3, "registry.example/other:1.0")),
    leaves: { image: false, ready: true },
  },
  {
    challenge: "scale",
    trick: "a new deployment of five",
    do: async (me, ns) => {
      const { deployments } = paths(ns);
      await me.delete(deployments("web"), { propagationPolicy: "Background" });
      await me.gone(deployments("web"));
      await me.post(deployments(), deployment("web", 5, "registry.example/web:1.0"));
    },
    leaves: { same: false, five: true },
  },
  {
    challenge: "config-map",
    trick: "no restart",
    do: (me, ns) => me.patch(paths(ns).configmaps("orders"), { data: { MODE: "fast" } }),
    leaves: { changed: true, restarted: false },
  },
  {
    challenge: "config-map",
    trick: "the value in the deployment itself",
    do: (me, ns) =>
      me.patch(paths(ns).deployments("web"), {
        spec: { template: { spec: { containers: [{ name: "web", env: [{ name: "MODE", value: "fast", valueFrom: null }] }] } } },
      }),
    leaves: { changed: false, wired: false, restarted: true },
  },
  {
    challenge: "service",
    trick: "a new service",
    do: async (me, ns) => {
      const { services } = paths(ns);
      await me.delete(services("web"));
      await me.post(services(), {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "web" },
        spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
      });
    },
    leaves: { same: false, found: true },
  },
  {
    challenge: "roll-back",
    trick: "forward to another version",
    do: (me, ns) =>
      me.patch(paths(ns).deployments("api"), {
        spec: {
          template: {
            ...without("troupe.dev/hollow-pull-failures"),
            spec: { containers: [{ name: "api", image: "registry.example/api:3.0" }] },
          },
        },
      }),
    leaves: { same: true, back: false },
  },
  {
    challenge: "crash",
    trick: "all three put back",
    do: async (me, ns) => {
      for (const name of ["orders", "payments", "mail"])
        await me.patch(paths(ns).deployments(name), {
          spec: {
            template: {
              ...without("troupe.dev/hollow-run-seconds", "troupe.dev/hollow-exit-code"),
              spec: { containers: [{ name: "app", image: `registry.example/${name}:2.0` }] },
            },
          },
        });
    },
    leaves: { mended: true, others: false },
  },
  {
    challenge: "tolerate",
    trick: "the taint taken away",
    do: (me, ns) => me.patch(paths(ns).nodes(`${ns}-gpu`), [{ op: "remove", path: "/spec/taints" }]),
    leaves: { tainted: false, running: false },
  },
  {
    challenge: "drain",
    trick: "the node deleted",
    do: async (me, ns) => {
      const { pods, nodes } = paths(ns);
      await me.delete(nodes(`${ns}-old`));
      for (const { metadata } of (await me.get(pods())).items) await me.delete(pods(metadata.name), { gracePeriodSeconds: 0 });
    },
    leaves: { cordoned: false, moved: true },
  },
  {
    challenge: "job",
    trick: "a program that does not fail",
    do: async (me, ns) => {
      const { jobs } = paths(ns);
      await me.delete(jobs("import"), { propagationPolicy: "Background" });
      await me.gone(jobs("import"));
      const template = { spec: { restartPolicy: "OnFailure", containers: [{ name: "import", image: "registry.example/import:1.0" }] } };
      await me.post(jobs(), { apiVersion: "batch/v1", kind: "Job", metadata: { name: "import" }, spec: { backoffLimit: 2, template } });
    },
    leaves: { retried: true, honest: false },
  },
  {
    challenge: "zones",
    trick: "the rule beside the selector that pins them",
    do: (me, ns) =>
      me.patch(paths(ns).deployments("shop"), {
        spec: {
          template: {
            spec: {
              topologySpreadConstraints: [
                {
                  maxSkew: 1,
                  topologyKey: "topology.kubernetes.io/zone",
                  whenUnsatisfiable: "DoNotSchedule",
                  labelSelector: { matchLabels: { app: "shop" } },
                },
              ],
            },
          },
        },
      }),
    leaves: { rule: true, even: false },
  },
  {
    challenge: "dead-node",
    trick: "no node lost",
    do: async (me, ns) => {
      await spread(me, ns);
      await me.when(paths(ns).pods(), ({ items }) => items.length === 3 && items.every(isReady));
    },
    leaves: { spread: true, lost: false, whole: false },
  },
  {
    challenge: "rbac",
    trick: "a role that allows more",
    do: (me, ns) => me.post(paths(ns).bindings(), binding("view", ns, { kind: "ClusterRole", name: "view" })),
    leaves: { sees: false, "no-more": false },
  },
  {
    challenge: "restore",
    trick: "a database on another volume",
    do: async (me, ns) => {
      const { pods, sets } = paths(ns);
      await me.post(sets(), database({ volumeName: "none" }));
      await me.when(pods(), ({ items }) => items.length === 1);
    },
    leaves: { volume: false, database: false },
  },
  {
    challenge: "quota",
    trick: "fewer pods",
    do: async (me, ns) => {
      await me.patch(paths(ns).deployments("batch"), { spec: { replicas: 2 } });
      await me.patch(paths(ns).deployments("batch"), RESTART);
    },
    leaves: { quota: true, four: false },
  },
];

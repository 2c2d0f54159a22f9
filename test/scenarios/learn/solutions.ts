import { until } from "../../../cluster/chaos/until.ts";
import { deployment, RESTART, without } from "./deployment.ts";
import { isReady, type Player, paths } from "./player.ts";

type Solution = (me: Player, namespace: string) => Promise<unknown>;

const CRASHES = ["troupe.dev/hollow-run-seconds", "troupe.dev/hollow-exit-code"];
const BERTH = "berth";

/** How each challenge is solved, as kubectl would do it. */
export const SOLUTIONS: Readonly<Record<string, Solution>> = {
  deploy: (me, ns) => me.post(paths(ns).deployments(), deployment("web", 3, "registry.example/web:1.0")),

  scale: (me, ns) => me.patch(paths(ns).deployments("web"), { spec: { replicas: 5 } }),

  "config-map": async (me, ns) => {
    await me.patch(paths(ns).configmaps("orders"), { data: { MODE: "fast" } });
    await me.patch(paths(ns).deployments("web"), RESTART);
  },

  service: (me, ns) =>
    me.merge(paths(ns).services("web"), { spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }] } }),

  "roll-back": (me, ns) =>
    me.patch(paths(ns).deployments("api"), {
      spec: {
        template: {
          ...without("troupe.dev/hollow-pull-failures"),
          spec: { containers: [{ name: "api", image: "registry.example/api:1.0" }] },
        },
      },
    }),

  crash: (me, ns) =>
    me.patch(paths(ns).deployments("payments"), {
      spec: { template: { ...without(...CRASHES), spec: { containers: [{ name: "app", image: "registry.example/payments:2.0" }] } } },
    }),

  tolerate: (me, ns) =>
    me.patch(paths(ns).deployments("trainer"), {
      spec: { template: { spec: { tolerations: [{ key: "dedicated", operator: "Equal", value: "training", effect: "NoSchedule" }] } } },
    }),

  drain: async (me, ns) => {
    const { pods, nodes, deployments } = paths(ns);
    await me.patch(nodes(`${ns}-old`), { spec: { unschedulable: true } });
    for (const { metadata } of (await me.get(pods())).items) {
      // As kubectl drain does it: when the budget allows none, later.
      await me.when(deployments("shop"), ({ status }) => status?.readyReplicas === 4);
      const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: metadata.name } };
      let said = "";
      await until(`the eviction of ${metadata.name}`, async () => {
        said = await me.refused(me.post(`${pods(metadata.name)}/eviction`, eviction));
        return said.startsWith("done") || said.includes("404");
      }).catch((error: Error) => {
        throw new Error(`${error.message}: ${said}`);
      });
      await me.gone(pods(metadata.name));
    }
  },

  quota: (me, ns) =>
    me.patch(paths(ns).deployments("batch"), {
      spec: {
        // Old and new pods together find no room.
        strategy: { type: "Recreate", rollingUpdate: null },
        template: { spec: { containers: [{ name: "batch", resources: { requests: { cpu: "200m" } } }] } },
      },
    }),

  job: async (me, ns) => {
    const { jobs } = paths(ns);
    const { spec } = await me.get(jobs("import"));
    const { template } = spec as { template: { metadata: { annotations: object }; spec: object } };
    await me.delete(jobs("import"), { propagationPolicy: "Background" });
    await me.gone(jobs("import"));
    const again = { backoffLimit: 2, template: { metadata: { annotations: template.metadata.annotations }, spec: template.spec } };
    await me.post(jobs(), { apiVersion: "batch/v1", kind: "Job", metadata: { name: "import" }, spec: again });
  },

  zones: (me, ns) =>
    me.patch(paths(ns).deployments("shop"), {
      spec: {
        // All at once, so that no pod of before stands in the way of the new ones.
        strategy: { type: "Recreate", rollingUpdate: null },
        template: {
          spec: {
            nodeSelector: { "topology.kubernetes.io/zone": null },
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

  "dead-node": async (me, ns) => {
    const { pods, nodes, deployments } = paths(ns);
    await spread(me, ns);
    await me.when(
      pods(),
      ({ items }) => items.length === 3 && new Set(items.map(({ spec }) => spec.nodeName)).size === 3 && items.every(isReady),
    );
    await me.when(`/apis/learn.troupe.dev/v1/attempts/${ns.replace("learn-", "")}`, (attempt) =>
      JSON.stringify(attempt).includes('"heldAt"'),
    );
    await me.delete(nodes(`${ns}-a`));
    const { items } = await me.get(pods());
    for (const { metadata } of items.filter(({ spec }) => spec.nodeName === `${ns}-a`))
      await me.delete(pods(metadata.name), { gracePeriodSeconds: 0 });
    await me.when(deployments("shop"), ({ status }) => status?.readyReplicas === 3);
  },

  rbac: async (me, ns) => {
    const { roles, bindings } = paths(ns);
    const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }];
    await me.post(roles(), { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata: { name: "lookout" }, rules });
    await me.post(bindings(), binding("lookout", ns, { kind: "Role", name: "lookout" }));
  },

  restore: async (me, ns) => {
    const { sets, volumes } = paths(ns);
    await me.patch(volumes(`${ns}-log`), [{ op: "remove", path: "/spec/claimRef/uid" }]);
    await me.post(sets(), database({ volumeName: `${ns}-log` }));
  },
};

/** The three pods of the shop on nodes of their own, where there are. */
export function spread(me: Player, ns: string): Promise<unknown> {
  return me.patch(paths(ns).deployments("shop"), {
    spec: {
      strategy: { type: "Recreate", rollingUpdate: null },
      template: {
        spec: {
          nodeSelector: { "kubernetes.io/hostname": null, [BERTH]: ns },
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: { app: "shop" } },
            },
          ],
        },
      },
    },
  });
}

/** What gives the lookout a role. */
export function binding(name: string, ns: string, role: { readonly kind: string; readonly name: string }): object {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", ...role },
    subjects: [{ kind: "ServiceAccount", name: "lookout", namespace: ns }],
  };
}

/** The stateful set db, whose claim is for this volume. */
export function database(claim: object): object {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: {
      replicas: 1,
      serviceName: "db",
      selector: { matchLabels: { app: "db" } },
      template: {
        metadata: { labels: { app: "db" } },
        spec: { containers: [{ name: "db", image: "registry.example/db:1.0", volumeMounts: [{ name: "log", mountPath: "/log" }] }] },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: "log" },
          spec: { accessModes: ["ReadWriteOnce"], storageClassName: "", resources: { requests: { storage: "5Gi" } }, ...claim },
        },
      ],
    },
  };
}

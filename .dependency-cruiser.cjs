/** The one-way rules of ARCHITECTURE.md: cluster -> actors -> {runtime, scheduler-core}. */
module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true, dependencyTypesNot: ["type-only"] } },
    {
      name: "runtime-stands-alone",
      severity: "error",
      from: { path: "^runtime/" },
      to: { path: "^(actors|cluster|scheduler-core|bench|test)/" },
    },
    {
      name: "scheduler-core-is-pure",
      severity: "error",
      from: { path: "^scheduler-core/" },
      to: { path: "^(actors|cluster|runtime|bench|test)/|^node:|node_modules" },
    },
    { name: "actors-know-no-cluster", severity: "error", from: { path: "^actors/" }, to: { path: "^(cluster|bench|test)/" } },
    { name: "kinds-are-pure", severity: "error", from: { path: "^actors/kinds/" }, to: { path: "^(actors/(?!kinds/)|runtime/)" } },
    {
      name: "browsers-get-no-server-code",
      severity: "error",
      from: { path: "^cluster/console/web/" },
      to: { pathNot: "^cluster/console/web/|(^|/)node_modules/(lit-html|uplot|yaml|@xterm)/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "the-client-stands-alone",
      severity: "error",
      comment: "it goes to others by itself; types of objects are all that it has of the house",
      from: { path: "^client/" },
      to: { path: "^(actors/(?!kinds/(generated/types|object)[.]ts$)|cluster|runtime|scheduler-core|bench|test)" },
    },
    { name: "bench-and-cluster-apart", severity: "error", from: { path: "^bench/" }, to: { path: "^test/" } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { extensions: [".ts", ".mjs", ".json"] },
  },
};

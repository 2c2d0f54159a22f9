import type { CommandTable } from "./command.ts";

/** All that `troupe` can be told to do. Only the command that is run is loaded: the start of a cluster waits for no other. */
export const COMMANDS: CommandTable = {
  up: { group: "run", load: async () => (await import("./commands/up.ts")).up },
  init: { group: "run", load: async () => (await import("./commands/init.ts")).init },
  join: { group: "run", load: async () => (await import("./commands/join.ts")).join },
  reset: { group: "run", load: async () => (await import("./commands/reset.ts")).reset },
  console: { group: "look", load: async () => (await import("./commands/console.ts")).consoleCommand },
  status: { group: "look", load: async () => (await import("./commands/status.ts")).status },
  top: { group: "look", load: async () => (await import("./commands/top.ts")).top },
  why: { group: "look", load: async () => (await import("./commands/why.ts")).why },
  "what-if": { group: "look", load: async () => (await import("./commands/what-if.ts")).whatIf },
  kubeconfig: { group: "use", load: async () => (await import("./commands/kubeconfig.ts")).kubeconfig },
  learn: { group: "use", load: async () => (await import("./commands/learn.ts")).learn },
  token: { group: "use", load: async () => (await import("./commands/token.ts")).token },
  backup: { group: "keep", load: async () => (await import("./commands/backup.ts")).backup },
  restore: { group: "keep", load: async () => (await import("./commands/restore.ts")).restore },
  bench: { group: "try", load: async () => (await import("./commands/bench.ts")).bench },
  sim: { group: "try", load: async () => (await import("./commands/sim.ts")).sim },
  chaos: { group: "try", load: async () => (await import("./commands/chaos.ts")).chaos },
  actors: { group: "more", load: async () => (await import("./commands/actors.ts")).actors },
  certs: { group: "more", load: async () => (await import("./commands/certs.ts")).certs },
  "nats-credentials": { group: "more", load: async () => (await import("./commands/nats-credentials.ts")).natsCredentials },
  completion: { group: "more", load: async () => (await import("./commands/completion.ts")).completion(COMMANDS) },
  help: { group: "more", load: async () => (await import("./commands/help.ts")).help(COMMANDS) },
  version: { group: "more", load: async () => (await import("./commands/version.ts")).version },
};

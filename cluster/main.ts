import { join } from "node:path";
import { BootFailure } from "./boot/failure.ts";
import { type Cluster, up, versionOfTroupe } from "./boot/up.ts";
import { parseUpFlags } from "./command-line/flags.ts";
import { HELP } from "./command-line/help.ts";
import { WrongUsage } from "./command-line/wrong-usage.ts";
import type { JoinFlags } from "./joining/flags.ts";

/** Exit codes: see docs/operating.md. */
const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

async function main([command = "help", ...args]: readonly string[]): Promise<number> {
  if (args.includes("--help") && command !== "bench") command = "help";
  switch (command) {
    case "up":
      return runUp(args);
    case "init":
      return runInit(args);
    case "join": {
      const { parseJoinFlags } = await import("./joining/flags.ts");
      return runMember(parseJoinFlags(args));
    }
    case "token": {
      const { parseTokenFlags } = await import("./joining/flags.ts");
      const { runToken } = await import("./joining/token-command.ts");
      const { kubeconfig, command } = parseTokenFlags(args);
      console.log(await runToken(kubeconfig, command));
      return DONE;
    }
    case "certs": {
      const { parseCertsFlags } = await import("./joining/flags.ts");
      const { runCerts } = await import("./joining/certs-command.ts");
      console.log(await runCerts(parseCertsFlags(args)));
      return DONE;
    }
    case "reset": {
      const { parseResetFlags } = await import("./joining/flags.ts");
      const { runReset } = await import("./joining/reset.ts");
      const { data, force } = parseResetFlags(args);
      console.log(await runReset(data, force));
      return DONE;
    }
    case "nats-credentials": {
      const { parseNatsCredentialsFlags, runNatsCredentials } = await import("./nats/credentials-command.ts");
      console.log(await runNatsCredentials(parseNatsCredentialsFlags(args)));
      return DONE;
    }
    case "bench": {
      const { runBench } = await import("../bench/mod.ts");
      return runBench(args);
    }
    case "sim": {
      const { runSim } = await import("./command-line/sim.ts");
      return runSim(args);
    }
    case "actors": {
      const { parseActorsFlags } = await import("./actors-top/flags.ts");
      const { runActors } = await import("./actors-top/run.ts");
      await runActors(parseActorsFlags(args), process.stdout);
      return DONE;
    }
    case "backup": {
      const { parseBackupFlags } = await import("./backup/flags.ts");
      const { runBackup } = await import("./backup/backup.ts");
      console.log(await runBackup(parseBackupFlags(args)));
      return DONE;
    }
    case "restore": {
      const { parseRestoreFlags } = await import("./backup/flags.ts");
      const { runRestore } = await import("./backup/restore.ts");
      console.log(await runRestore(parseRestoreFlags(args)));
      return DONE;
    }
    case "chaos": {
      const { parseChaosFlags } = await import("./chaos/flags.ts");
      const { runChaos } = await import("./chaos/run.ts");
      return runChaos(parseChaosFlags(args, Date.now() % 1_000_000), process.stdout);
    }
    case "why": {
      const { parseWhyFlags } = await import("./rehearsal/flags.ts");
      const { runWhy } = await import("./rehearsal/run.ts");
      await runWhy(parseWhyFlags(args), process.stdout);
      return DONE;
    }
    case "what-if": {
      const { parseWhatIfFlags } = await import("./rehearsal/flags.ts");
      const { runWhatIf } = await import("./rehearsal/run.ts");
      await runWhatIf(parseWhatIfFlags(args), process.stdout);
      return DONE;
    }
    case "version":
      console.log(`troupe ${versionOfTroupe()} (Kubernetes API 1.34)`);
      return DONE;
    case "help":
    case "--help":
      process.stdout.write(HELP);
      return DONE;
    default:
      throw new WrongUsage(`unknown command ${command}; see npm run troupe -- help`);
  }
}

async function runUp(args: readonly string[]): Promise<number> {
  const flags = parseUpFlags(args);
  return run(up(flags, startedMs()));
}

/** The same for a cluster that others may join: the line by which they do is printed below the ready line. */
async function runInit(args: readonly string[]): Promise<number> {
  const { parseInitFlags } = await import("./joining/flags.ts");
  const { up: flags, token, ttl_ms } = parseInitFlags(args);
  return run(up(flags, startedMs()), async () => {
    const { openForJoining } = await import("./joining/init.ts");
    return `other machines join it with\n\n  ${await openForJoining(join(flags.data, "kubeconfig"), token, ttl_ms)}\n`;
  });
}

async function runMember(flags: JoinFlags): Promise<number> {
  const { startMember } = await import("./joining/member.ts");
  return run(startMember(flags, startedMs()));
}

function startedMs(): number {
  return Number(process.env.TROUPE_STARTED_MS) || performance.timeOrigin;
}

/** Prints the ready line, and what is to be said after it, and goes on until somebody asks it to stop. */
async function run(cluster: Cluster, then?: () => Promise<string>): Promise<number> {
  const asked = new Promise<undefined>((resolve) => {
    for (const event of ["SIGTERM", "SIGINT", "SIGHUP", "disconnect"]) process.on(event, () => resolve(undefined));
  });
  const ready = await Promise.race([cluster.ready, asked]);
  if (ready !== undefined) console.log(ready);
  const failure = await Promise.race([asked, cluster.failed, said(ready === undefined ? undefined : then)]);
  // A start that is cut short ends as it can; nobody waits for it any more.
  cluster.ready.catch(() => {});
  await cluster.stop();
  if (failure !== undefined) throw failure;
  return DONE;
}

/** Prints what `then` gives; resolves with what went wrong, and else never. */
async function said(then: (() => Promise<string>) | undefined): Promise<unknown> {
  try {
    if (then !== undefined) console.log(await then());
  } catch (error) {
    return error;
  }
  return new Promise(() => {});
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof WrongUsage) {
      console.error(`troupe: ${error.message}`);
      process.exit(WRONG_USAGE);
    }
    console.error(error instanceof BootFailure ? `troupe: ${error.message}` : `troupe: ${(error as Error).stack ?? error}`);
    process.exit(FAILED);
  },
);

import { createHash, randomUUID } from "node:crypto";
import { pinoLogger } from "../../runtime/log.ts";
import { systemClock, systemRandom } from "../../runtime/system.ts";
import type { Closers } from "../boot/closers.ts";
import { readEncryption } from "../boot/configuration-files.ts";
import { DataDirectory } from "../boot/data-directory.ts";
import { BootFailure } from "../boot/failure.ts";
import { HostWorker } from "../boot/host-worker.ts";
import { Introductions } from "../boot/introductions.ts";
import { HIGH_WATER_FILE, type HostPlan, memberHosts } from "../boot/layout.ts";
import { readStages } from "../boot/stages-file.ts";
import { type Cluster, clusterOf, credentialsOf, logLevel } from "../boot/up.ts";
import { versionOfTroupe } from "../boot/version.ts";
import { parseFlags } from "../command-line/flag.ts";
import type { Said } from "../command-line/output.ts";
import { SERVICE_FLAGS, serviceFlags } from "../command-line/service-flags.ts";
import { lifeOf } from "../pki/certificates.ts";
import { Renewal, type RenewalOptions } from "../pki/renewal.ts";
import type { JoinFlags } from "./flags.ts";
import { type Admission, admit, join, renewNode, requestServing } from "./join.ts";
import { MemberFiles } from "./member-files.ts";
import { ApiRefusal } from "./session.ts";

const HOST_DRAIN_MS = 4_000;
/** The API may be about to start, too. */
const API_PATIENCE_MS = 30_000;
const API_POLL_MS = 500;
/** What nodes are played by on a machine that has joined. */
const RUNTIME = "hollow";

/** Starts a machine's part of a cluster, which it joins first if it has not. */
export function startMember(flags: JoinFlags, started_ms: number): Cluster {
  return clusterOf((closers, failed, waits) => {
    waits("the cluster to let this machine in");
    return start(flags, closers, failed, started_ms);
  });
}

async function start(flags: JoinFlags, closers: Closers, failed: (failure: BootFailure) => void, started_ms: number): Promise<Said> {
  const level = logLevel();
  const encryption = flags.encryptionConfig === undefined ? undefined : await readEncryption(flags.encryptionConfig);
  const stages = await readStages(flags.stages);
  const data = await DataDirectory.open(flags.data);
  closers.add(() => data.close());
  closers.goOn();
  data.remove("status.json");
  closers.add(() => data.remove("status.json"));
  const log = pinoLogger({ level });
  const files = new MemberFiles(data.path);
  if (!MemberFiles.isMember(data.path)) {
    if (flags.cluster === undefined)
      throw new BootFailure(`${data.path} has joined no cluster yet: troupe join HOST:PORT --token ... as \`troupe init\` prints it`);
    await join(files, flags.cluster, { runtime: RUNTIME, ownNats: flags.nats === undefined });
    closers.goOn();
  }
  const member = files.membership;
  if (flags.cluster !== undefined && flags.cluster.node !== member.node)
    throw new BootFailure(
      `${data.path} has joined the cluster at ${member.server} as ${member.node} already; \`troupe reset\` makes it forget that`,
    );
  const admission = flags.nats === undefined ? await admitSoon(() => admit(files, member)) : undefined;
  closers.goOn();

  const names = memberHosts(member.node).slice(0, flags.threads ?? 1);
  const plans = names.map((name): HostPlan => ({ name, roles: ["nodes"] }));
  const introductions = new Introductions();
  const hosts = plans.map((plan) => new HostWorker(plan, log, failed, introductions));
  closers.add(async () => void (await Promise.all(hosts.map((host) => host.stop(HOST_DRAIN_MS)))));
  closers.add(() => data.draining());
  const nats = admission?.nats ?? credentialsOf(flags.nats ?? []);
  const version = versionOfTroupe();
  const { authority } = files;
  await Promise.all(
    hosts.map((host) =>
      host.start({
        plan: host.plan,
        plans,
        nats,
        process: randomUUID(),
        mayMakeLog: false,
        highWaterFile: data.file(HIGH_WATER_FILE),
        snapshotRevisions: undefined,
        watchHistoryRevisions: undefined,
        encryption,
        version,
        logLevel: level,
        runtime: { name: "hollow" },
        nodes: undefined,
        seed: flags.seed,
        stages,
        ca: authority,
        control: undefined,
        machine: member.node,
        directory: createHash("sha256").update(`${authority}${member.node}`).digest("base64url").slice(0, 16),
        audit: undefined,
        apiHost: "",
        apiPort: 0,
        schedulerConfiguration: undefined,
        schedulers: 0,
        services: serviceFlags(parseFlags("join", SERVICE_FLAGS, []), false),
        controllers: { clusterCidrs: [], csiSockets: [], endedPodsMax: undefined, autoscalerPeriod_ms: undefined },
      }),
    ),
  );
  await Promise.all(hosts.map((host) => host.begin()));
  closers.goOn();

  const renewing = (options: Pick<RenewalOptions, "what" | "life" | "renew">): void => {
    const renewal = new Renewal({ clock: systemClock(), random: systemRandom(), log, ...options });
    closers.add(() => renewal.cancel());
  };
  const { node: pair, serving } = files;
  if (pair !== undefined) renewing({ what: "the node's certificate", life: lifeOf([pair]), renew: () => renewNode(files, member) });
  if (admission !== undefined) {
    renewing({
      what: "the credentials for NATS",
      life: admission.life,
      renew: async () => {
        const { nats, life } = await admit(files, member);
        if (nats.credentials !== undefined) for (const host of hosts) host.renew({ type: "credentials", credentials: nats.credentials });
        return life;
      },
    });
  }
  if (flags.serverTls) {
    const now_ms = Date.now();
    const life = serving === undefined ? { from_ms: now_ms, to_ms: now_ms } : lifeOf([serving]);
    renewing({ what: "the node's certificate to serve with", life, renew: () => requestServing(files, member) });
  }

  const kubeconfig = data.file("kubeconfig");
  const status = { pid: process.pid, api: member.server, nats: nats.servers.join(","), node: member.node, kubeconfig, version };
  data.write("status.json", `${JSON.stringify(status, null, 2)}\n`);
  const took_ms = Math.max(0, Math.round(Date.now() - started_ms));
  const line = `ready in ${took_ms} ms  api=${member.server}  kubeconfig=${kubeconfig}  node=${member.node}`;
  return { answer: { ready_ms: took_ms, ...status }, lines: [line] };
}

/** What the API refuses it refuses again; that nobody answers may be over soon. */
async function admitSoon(ask: () => Promise<Admission>): Promise<Admission> {
  const deadline_ms = performance.now() + API_PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ApiRefusal || performance.now() > deadline_ms) throw error;
      await new Promise((resolve) => setTimeout(resolve, API_POLL_MS));
    }
  }
}

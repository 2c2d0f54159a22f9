import { expect, test } from "vitest";
import type { HostOptions } from "../../../cluster/boot/host-protocol.ts";
import { HostWorker } from "../../../cluster/boot/host-worker.ts";
import { Introductions } from "../../../cluster/boot/introductions.ts";
import { parseUpFlags } from "../../../cluster/command-line/flags.ts";
import { recordingLog } from "../../runtime/stage.ts";

const { services: SERVICES } = parseUpFlags([]);

const STOP_DEADLINE_MS = 5_000;
/** A host without roles opens nothing with them. */
const CONTROL = {} as HostOptions["control"];
const plan: HostOptions["plan"] = { name: "frail", roles: [] };
const options: HostOptions = {
  ...{
    plan,
    plans: [plan],
    process: "test",
    nats: { servers: [] },
    replicas: 1,
    mayMakeLog: true,
    highWaterFile: "",
    snapshotRevisions: undefined,
    watchHistoryRevisions: undefined,
    version: "v0",
    logLevel: "silent",
    nodes: undefined,
    encryption: undefined,
    audit: undefined,
    seed: 0,
    stages: [],
    runtime: { name: "hollow" as const },
    podCidr: "10.244.0.0/16",
  },
  ...{
    ca: "",
    control: CONTROL,
    data: "d",
    directory: "d",
    apiHost: "127.0.0.1",
    apiPort: 0,
    schedulerConfiguration: undefined,
    schedulers: 1,
    controllers: { clusterCidrs: [], csiSockets: [], endedPodsMax: undefined, autoscalerPeriod_ms: undefined },
    services: SERVICES,
  },
};

test("a host that crashes over and over is started again ever later, although it takes up its roles each time", async () => {
  const { log, lines } = recordingLog();
  const host = new HostWorker(plan, log, () => undefined, new Introductions(), new URL("./crashing-host.ts", import.meta.url));
  await host.start(options);
  await host.begin();
  const restarts = () => lines.filter(({ message }) => message.startsWith("a host ended")).map(({ fields }) => fields);
  await expect.poll(() => restarts().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(4);
  await host.stop(STOP_DEADLINE_MS);
  expect(restarts().slice(0, 4)).toEqual(
    [200, 400, 800, 1_600].map((restart_ms, index) => ({ host: "frail", crashes: index + 1, restart_ms })),
  );
  expect(lines.filter(({ message }) => message === "a host is back").length).toBeGreaterThanOrEqual(3);
});

import { styleText } from "node:util";
import { ageText, bytesText } from "../command-line/quantity-text.ts";
import { typed } from "../command-line/typed.ts";
import type { Running, Status } from "./status.ts";

const NAME_CHARS = 10;

/** The lines of a status for people. */
export function statusLines(status: Status, now_ms: number): readonly string[] {
  switch (status.state) {
    case "stopped":
      return [
        status.cluster
          ? `no Troupe runs on ${status.data}; there is a cluster in it (${bytesText(status.bytes)}): ${typed(`up --data ${status.data}`)} goes on with it`
          : `no Troupe runs on ${status.data}, and there is no cluster in it: ${typed(`up --data ${status.data}`)} makes one`,
      ];
    case "starting":
      return [`a Troupe with pid ${status.pid} runs on ${status.data}; it is starting, or about to end`];
    case "running":
      return runningLines(status, now_ms);
  }
}

function runningLines(status: Running, now_ms: number): readonly string[] {
  const { nodes, pods, store } = status;
  const phases = Object.entries(pods?.byPhase ?? {}).filter(([, count]) => count > 0);
  const line = (name: string, text: string): string => `${name.padEnd(NAME_CHARS)}  ${text}`;
  const ready = `${nodes?.ready} of ${nodes?.total} Ready`;
  const allReady = nodes?.ready === nodes?.total;
  return [
    line(
      "running",
      `${styleText("green", "yes")}, for ${ageText(now_ms - Date.parse(status.since))} (pid ${status.pid}, version ${status.version})`,
    ),
    ...(status.caution === undefined ? [] : [line("caution", styleText("yellow", status.caution))]),
    ...(status.node === undefined ? [] : [line("node", `${status.node}, of the cluster at ${status.addresses.api}`)]),
    ...(nodes === undefined ? [] : [line("nodes", allReady ? ready : styleText("yellow", ready))]),
    ...(pods === undefined
      ? []
      : [line("pods", `${pods.total}${phases.length === 0 ? "" : `: ${phases.map(([phase, count]) => `${count} ${phase}`).join(", ")}`}`)]),
    ...(status.actors === undefined ? [] : [line("actors", String(status.actors))]),
    ...(store === undefined
      ? []
      : [
          line(
            "store",
            `revision ${store.revision}, ${store.objects} objects, log of ${bytesText(store.logBytes)}, ${store.snapshots} snapshot${store.snapshots === 1 ? "" : "s"}`,
          ),
        ]),
    line("api", status.addresses.api),
    ...(status.addresses.console === undefined ? [] : [line("console", status.addresses.console)]),
    line("nats", status.addresses.nats),
    line("kubeconfig", status.kubeconfig),
  ];
}

import { until } from "../../cluster/chaos/until.ts";
import type { Launch } from "./launch.ts";

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string; readonly workerInfo?: { readonly title: string; readonly workerId: string } };
}

/**
 * Makes a host's thread throw where nobody catches, from outside: SIGUSR1 opens Node's inspector, which reaches every worker thread. The program
 * must run with --inspect-port=0.
 */
export async function crashHost(launch: Launch, host: string): Promise<void> {
  const program = launch.programPid;
  if (program === undefined) throw new Error("the program does not run");
  process.kill(program, "SIGUSR1");
  const url = await until("the inspector", () => /Debugger listening on (ws:\S+)/.exec(launch.stderr)?.[1]);
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const attached = new Promise<string>((resolve) => {
    socket.onmessage = ({ data }) => {
      const { method, params } = JSON.parse(String(data)) as Message;
      if (method === "NodeWorker.attachedToWorker" && params?.workerInfo?.title.endsWith(`] ${host}`) === true)
        resolve(params.sessionId ?? "");
    };
  });
  socket.send(JSON.stringify({ id: 1, method: "NodeWorker.enable", params: { waitForDebuggerOnStart: false } }));
  const sessionId = await attached;
  const expression = `setTimeout(() => { throw new Error("crashed on purpose") })`;
  const message = JSON.stringify({ id: 1, method: "Runtime.evaluate", params: { expression } });
  socket.send(JSON.stringify({ id: 2, method: "NodeWorker.sendMessageToWorker", params: { sessionId, message } }));
  await until("the crash", () => launch.stderr.includes("a host crashed"));
  socket.close();
}

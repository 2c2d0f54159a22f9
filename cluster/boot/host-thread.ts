import { parentPort, workerData } from "node:worker_threads";
import { PortTransport } from "../../runtime/mod.ts";
import { BootFailure } from "./failure.ts";
import { RunningHost } from "./host.ts";
import type { FromHost, ToHost } from "./host-protocol.ts";
import type { HostPlan } from "./layout.ts";

/** The entry of a worker thread that is a host: one event loop, one NATS connection, ports to its peers, one view of the store, the actors of its roles. */
const port = parentPort;
if (port === null) throw new Error("host-thread.ts runs as a worker thread only");

// While the parent prepares the rest; a failure shows when the role is taken up.
if ((workerData as HostPlan).roles.includes("gateway")) import("../gateway/gateway.ts").catch(() => {});

/** How long a host that gives itself up may take to stop. */
const GIVE_UP_MS = 2_000;

const say = (message: FromHost): void => port.postMessage(message);
const fail = (error: unknown): void =>
  say({ type: "failed", message: error instanceof BootFailure ? error.message : String((error as Error).stack ?? error) });

/** Ends this thread with an error, which the parent logs before it starts the host again. */
function giveUp(host: RunningHost, why: string): void {
  const crash = (): void => {
    throw new Error(`this host gives itself up, because ${why}`);
  };
  setTimeout(crash, GIVE_UP_MS);
  void host
    .stop()
    .catch(() => undefined)
    .then(() => setImmediate(crash));
}

// That it did not start was said.
const ignored = (): void => {};

const peers = new PortTransport();
const starting = Promise.withResolvers<RunningHost>();
let broken: unknown;
starting.promise.then((host) => {
  say({ type: "started", ...host.facts });
  void host.givenUp.then((why) => giveUp(host, why));
  host.watchLog().catch((error: unknown) => {
    broken = error;
    fail(error);
  });
}, fail);

port.on("message", (message: ToHost) => {
  switch (message.type) {
    case "peer":
      peers.connect(message.host, message.port);
      return;
    case "start":
      starting.resolve(RunningHost.start(message.options, peers));
      return;
    case "begin":
      // What broke between the two messages was said when nobody listened.
      starting.promise
        .then((host) => (broken === undefined ? host.begin() : Promise.reject(broken)))
        .then((begun) => say({ type: "begun", ...begun }), fail);
      return;
    case "certificates":
      starting.promise.then((host) => host.renewCertificates(message.control), ignored);
      return;
    case "stop":
      starting.promise.then(
        (host) =>
          host
            .stop()
            .catch(() => undefined)
            .then(() => {
              say({ type: "stopped" });
              port.close();
            }),
        // What a start that failed has opened keeps this thread alive.
        () => process.exit(),
      );
      return;
  }
});

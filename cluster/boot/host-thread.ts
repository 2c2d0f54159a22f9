import { parentPort, workerData } from "node:worker_threads";
import { BootFailure } from "./failure.ts";
import { RunningHost } from "./host.ts";
import type { FromHost, ToHost } from "./host-protocol.ts";
import type { HostPlan } from "./layout.ts";

/** The entry of a worker thread that is a host: one event loop, one NATS connection, one view of the store, the actors of its roles. */
const port = parentPort;
if (port === null) throw new Error("host-thread.ts runs as a worker thread only");

// While the parent prepares the rest; a failure shows when the role is taken up.
if ((workerData as HostPlan).roles.includes("gateway")) import("../gateway/gateway.ts").catch(() => {});

const say = (message: FromHost): void => port.postMessage(message);
const fail = (error: unknown): void =>
  say({ type: "failed", message: error instanceof BootFailure ? error.message : String((error as Error).stack ?? error) });

const starting = Promise.withResolvers<RunningHost>();
let broken: unknown;
starting.promise.then((host) => {
  say({ type: "started" });
  host.watchLog().catch((error: unknown) => {
    broken = error;
    fail(error);
  });
}, fail);

port.on("message", (message: ToHost) => {
  switch (message.type) {
    case "start":
      starting.resolve(RunningHost.start(message.options));
      return;
    case "begin":
      // What broke between the two messages was said when nobody listened.
      starting.promise
        .then((host) => (broken === undefined ? host.begin() : Promise.reject(broken)))
        .then((begun) => say({ type: "begun", ...begun }), fail);
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

import { Worker } from "node:worker_threads";
import type { Access } from "./gateway-rig.ts";
import type { ClientAnswer, ClientTask } from "./https-client.ts";

/** The thread of https-client.ts, or of one that is told the same; one task at a time. */
export class ClientThread {
  readonly #worker: Worker;

  constructor(access: Access | string, module: URL = new URL("./https-client.ts", import.meta.url)) {
    this.#worker = new Worker(module, { workerData: access });
  }

  run<Type extends ClientAnswer["type"]>(task: ClientTask, wanted: Type): Promise<Extract<ClientAnswer, { type: Type }>> {
    return new Promise((resolve, reject) => {
      this.#worker.once("error", reject);
      this.#worker.once("message", (answer: ClientAnswer) => {
        this.#worker.off("error", reject);
        if (answer.type === wanted) resolve(answer as Extract<ClientAnswer, { type: Type }>);
        else reject(new Error(`the client answered ${answer.type}, not ${wanted}`));
      });
      this.#worker.postMessage(task);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

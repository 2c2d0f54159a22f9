import { createServer, type Server } from "node:http";
import type { Door } from "../../listening/door.ts";
import { listen } from "../../listening/listen.ts";
import type { ServiceForwarding } from "../forwarding.ts";

/** Answers load balancers that ask whether this node has endpoints of a service. Source: pkg/proxy/healthcheck, hcHandler. */
export class HealthDoor implements Door {
  readonly #server: Server;
  readonly #at: { readonly address: string; readonly port: number };

  /** `asked` gives the service as it is forwarded now. */
  constructor(asked: () => ServiceForwarding | undefined, at: { readonly address: string; readonly port: number }) {
    this.#at = at;
    this.#server = createServer((_request, response) => {
      const { namespace, name, healthCheck } = asked() ?? {};
      const localEndpoints = healthCheck?.localEndpoints ?? 0;
      response.writeHead(localEndpoints > 0 ? 200 : 503, {
        "Content-Type": "application/json",
        "X-Content-Type-Options": "nosniff",
        "X-Load-Balancing-Endpoint-Weight": String(localEndpoints),
      });
      response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy: true }, null, 2));
    });
  }

  open(): Promise<void> {
    const { address: host, port } = this.#at;
    return listen(this.#server, { host, port });
  }

  shut(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

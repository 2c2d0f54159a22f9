import { createServer } from "node:net";
import { listen } from "../../actors/node/listening/listen.ts";

export const HTTPS_PORT = 443;
/** The API server's own in most clusters, and open to everybody. */
const OTHER_PORT = 6_443;

/**
 * At which port of its service pods find the API where services are forwarded by this user: that of HTTPS, as in all clusters, or another one where ports below
 * 1024 are refused. Clients within the cluster are told by KUBERNETES_SERVICE_PORT.
 */
export async function apiServicePort(address: string, tryListen: typeof canListen = canListen): Promise<number> {
  return (await tryListen(address, HTTPS_PORT)) ? HTTPS_PORT : OTHER_PORT;
}

/** Whether this user may listen there; where somebody else does, the right is not what is missing. */
async function canListen(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    await listen(server, { host, port });
    await new Promise((resolve) => server.close(resolve));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "EACCES";
  }
}

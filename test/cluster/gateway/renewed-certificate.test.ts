import { connect, type PeerCertificate } from "node:tls";
import { expect, test } from "vitest";
import { startGateway } from "./harness.ts";

test("a certificate that takes the place of another is shown to whoever connects from then on, and clients are asked for theirs as before", async () => {
  const server = await startGateway();
  try {
    const shown = (): Promise<PeerCertificate> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = new URL(server.url);
        const socket = connect({ host: hostname, port: Number(port), ca: server.authority.cert }, () => {
          resolve(socket.getPeerCertificate());
          socket.destroy();
        });
        socket.on("error", reject);
      });
    const before = await shown();
    const pair = await server.authority.server();
    server.gateway.renew({ ...pair, ca: server.authority.cert });
    expect((await shown()).serialNumber).not.toBe(before.serialNumber);
    const whoami = await server.client(server.admin)("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {});
    expect(whoami.json().status.userInfo.username).toBe("admin");
  } finally {
    await server.stop();
  }
});

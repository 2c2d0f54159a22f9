import { expect, test } from "vitest";
import { accessOf, asUser } from "../../../cluster/joining/command-session.ts";
import { ApiRefusal } from "../../../cluster/joining/session.ts";

const access = {
  ...{ origin: "https://127.0.0.1:1", path: "/", authority: undefined, serverName: undefined, insecure: true },
  ...{ clientCertificate: undefined, clientKey: undefined, token: "t" },
};

test("a command that finds no cluster says which, and how to name another", async () => {
  expect(() => accessOf("/nowhere/kubeconfig")).toThrow(
    /cannot read the kubeconfig \/nowhere\/kubeconfig .*; is Troupe running\? .*--data DIR/,
  );
  await expect(asUser(access, (session) => session.call("GET", "/version"))).rejects.toThrow(
    /https:\/\/127\.0\.0\.1:1 does not answer \(ECONNREFUSED\); is Troupe running\? .*--kubeconfig FILE/,
  );
});

test("who may not is told what to do; other refusals stand as they are", async () => {
  const refused = (status: number): Promise<never> => asUser(access, () => Promise.reject(new ApiRefusal(status, "no")));
  await expect(refused(403)).rejects.toThrow(/^no; have a role bound to the user/);
  await expect(refused(401)).rejects.toThrow(/^no; the cluster does not know this user/);
  await expect(refused(409)).rejects.toThrow(/^no$/);
});

import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Kubectl } from "./kubectl.ts";

/** kubectl 1.35 speaks WebSocket first; by these it speaks SPDY alone, as older ones do. */
const WITHOUT_WEB_SOCKETS = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" };
const BYTES = 3_000_000;

const sha1 = (bytes: Buffer): string => createHash("sha1").update(bytes).digest("hex");

/** What users do with the streams of a pod's containers, on a cluster whose pods are processes. */
export function describeStreams(cluster: () => Kubectl): void {
  describe("streams", () => {
    const home = mkdtempSync(join(tmpdir(), "troupe-streams-"));
    let kubectl: Kubectl;

    beforeAll(async () => {
      kubectl = cluster();
      const serve = "require('http').createServer((q, s) => q.pipe(s)).listen(8080, process.env.POD_IP)";
      await kubectl.ok(["run", "open", "--image=x", `--env=PATH=${process.env.PATH}`, "--command", "--", process.execPath, "-e", serve]);
      await kubectl.ok(["wait", "--for=condition=Ready", "pod/open", "--timeout=120s"]);
    });
    afterAll(async () => {
      await kubectl.ok(["delete", "pod", "open", "--wait=false"]);
      rmSync(home, { recursive: true, force: true });
    });

    test.each([{}, WITHOUT_WEB_SOCKETS])("exec: streams, exit codes, a terminal (%j)", async (env) => {
      const script = "echo $POD_IP; cat; echo err >&2; exit 5";
      const { code, stdout, stderr } = await kubectl.run(["exec", "-i", "open", "--", "sh", "-c", script], { stdin: "typed", env });
      expect([code, stdout, stderr]).toEqual([
        5,
        expect.stringMatching(/^127\.\d+\.\d+\.\d+\ntyped$/),
        "err\ncommand terminated with exit code 5\n",
      ]);
      // kubectl says the size when it has begun, and on a busy machine the command may be there before.
      const sized = 'until stty size | grep "40 111"; do sleep 0.1; done';
      const terminal = await kubectl.inTerminal(`exec -it open -- sh -c 'tty; ${sized}; exit 4'`, { env });
      expect([terminal.code, terminal.stdout]).toEqual([
        4,
        expect.stringMatching(/\/dev\/pts\/\d+\n40 111\ncommand terminated with exit code 4/),
      ]);
    });

    test("exec: where no such container runs", async () => {
      expect(await kubectl.refused(["exec", "open", "-c", "nope", "--", "true"])).toContain("container nope is not valid for pod open");
      await kubectl.ok(["run", "crashes", "--image=x", "--command", "--", "false"]);
      const waiting = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff";
      await kubectl.ok(["wait", `--for=${waiting}`, "pod/crashes", "--timeout=120s"]);
      for (const env of [{}, WITHOUT_WEB_SOCKETS]) {
        expect(await kubectl.refused(["exec", "crashes", "--", "true"], { env })).toContain(
          'unable to upgrade connection: container not found ("crashes")',
        );
      }
      await kubectl.ok(["delete", "pod", "crashes", "--wait=false"]);
    });

    test("cp, both ways", async () => {
      const bytes = randomBytes(BYTES);
      writeFileSync(join(home, "here"), bytes);
      await kubectl.ok(["cp", join(home, "here"), `open:${home}/there`]);
      expect(sha1(readFileSync(join(home, "there")))).toBe(sha1(bytes));
      await kubectl.ok(["cp", `open:${home}/there`, join(home, "back")]);
      expect(sha1(readFileSync(join(home, "back")))).toBe(sha1(bytes));
    });

    test.each([{}, WITHOUT_WEB_SOCKETS])("port-forward: many connections, and what nobody listens at (%j)", async (env) => {
      const forwarding = kubectl.follow(["port-forward", "pod/open", ":8080"], { env });
      const [, port] = /127\.0\.0\.1:(\d+) ->/.exec(await forwarding.line(/127\.0\.0\.1/)) ?? [];
      const body = randomBytes(BYTES);
      const echoed = async (): Promise<string> => {
        const answer = await fetch(`http://127.0.0.1:${port}/`, { method: "POST", body, headers: { connection: "close" } });
        return sha1(Buffer.from(await answer.arrayBuffer()));
      };
      expect(await Promise.all([echoed(), echoed(), echoed()])).toEqual(Array(3).fill(sha1(body)));
      await forwarding.stop();
      const nowhere = kubectl.follow(["port-forward", "pod/open", ":9"], { env });
      const [, dead] = /127\.0\.0\.1:(\d+) ->/.exec(await nowhere.line(/127\.0\.0\.1/)) ?? [];
      await expect(fetch(`http://127.0.0.1:${dead}/`)).rejects.toThrow();
      await nowhere.stop();
    });

    test("run -i and -it: attached to a container from its first line of input, its exit code is kubectl's", async () => {
      const once = ["--rm", "--restart=Never", "--image=x"];
      const piped = await kubectl.run(["run", "piped", "-i", ...once, "--command", "--", "sh", "-c", "cat; exit 6"], { stdin: "typed\n" });
      expect([piped.code, piped.stdout]).toEqual([6, expect.stringContaining("typed\n")]);
      const typed = await kubectl.inTerminal(
        `run typed -it ${once.join(" ")} --command -- sh -c 'read line; until stty size | grep 111; do sleep 0.1; done; echo got $line; exit 3'`,
        {
          stdin: "word\n",
        },
      );
      expect([typed.code, typed.stdout]).toEqual([3, expect.stringContaining("40 111\ngot word\n")]);
    });

    test("debug: a container beside the others, in a terminal", async () => {
      const { code, stdout } = await kubectl.inTerminal(
        "debug -it open --image=x --target=open -- sh -c 'read line; echo $line on $POD_IP'",
        {
          stdin: "looked\n",
        },
      );
      expect([code, stdout]).toEqual([0, expect.stringMatching(/looked on 127\.\d+\.\d+\.\d+/)]);
      expect(
        await kubectl.ok(["get", "pod", "open", "-o", "jsonpath={.status.ephemeralContainerStatuses[0].state.terminated.exitCode}"]),
      ).toBe("0");
    });
  });
}

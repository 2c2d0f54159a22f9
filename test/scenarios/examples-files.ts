import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import type { ExampleCluster } from "./example-cluster.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/files");

/** examples/files, driven by the real kubectl. */
export function describeFiles(cluster: ExampleCluster): void {
  test("files: settings change under a program all at once; logs, a terminal, copies, a forwarded port", async () => {
    const { kubectl } = cluster;
    const patch = (kind: string, name: string, change: object): Promise<string> =>
      kubectl.ok(["patch", kind, name, "-p", JSON.stringify(change)]);
    const set = (colour: string): Promise<string> => patch("configmap", "settings", { data: { colour, shade: colour } });
    await kubectl.ok(["apply", "-k", EXAMPLE]);
    await kubectl.ok(["wait", "--for=condition=Ready", "pod/files", "--timeout=120s"]);

    const followed = kubectl.follow(["logs", "--follow", "files"]);
    await followed.line(/^colour green, shade green, a password of 6 characters$/);
    await set("red");
    await followed.line(/^colour red, shade red, /);
    await patch("secret", "credentials", { stringData: { password: "longer" + "than before" } });
    await followed.line(/, a password of 17 characters$/);
    // As fast as they come: whatever of it the program sees is whole.
    for (const colour of ["blue", "white", "black", "grey"]) await set(colour);
    await followed.line(/^colour grey, shade grey, /);
    await followed.stop();
    const log = (...options: readonly string[]): Promise<string> => kubectl.ok(["logs", "files", ...options]);
    const all = (await log()).split("\n");
    expect(all.filter((line) => !/^colour (\w+), shade \1, /.test(line))).toEqual([]);
    expect(await log("--tail=1")).toBe(all.at(-1));
    expect(await log("--since=1h")).toBe(all.join("\n"));
    await until("a second without a word", async () => (await log("--since=1s")) === "");

    // kubectl says the size when it has begun, and on a busy machine the command may be there before.
    const sized = 'until stty size | grep "40 111"; do sleep 0.1; done';
    const terminal = await kubectl.inTerminal(`exec -it files -- sh -c '${sized}; cat "$TROUPE_PATH_ETC_SETTINGS/colour"'`);
    expect(terminal.stdout).toContain("40 111\ngrey");
    const place = await kubectl.ok(["exec", "files", "--", "sh", "-c", 'echo "$TROUPE_PATH_SRV_DATA"']);
    const home = cluster.home("files");
    writeFileSync(join(home, "here"), "copied");
    await kubectl.ok(["cp", join(home, "here"), `files:${place}/there`]);
    expect(await kubectl.ok(["exec", "files", "--", "cat", `${place}/there`])).toBe("copied");
    await kubectl.ok(["cp", `files:${place}/there`, join(home, "back")]);
    expect(readFileSync(join(home, "back"), "utf8")).toBe("copied");

    const forwarding = kubectl.follow(["port-forward", "pod/files", ":8080"]);
    const [, port] = /127\.0\.0\.1:(\d+) ->/.exec(await forwarding.line(/127\.0\.0\.1/)) ?? [];
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).json()).toEqual({ colour: "grey", shade: "grey" });
    await fetch(`http://127.0.0.1:${port}/crash`).catch(() => {});
    await forwarding.stop();
    await until("the next run", async () => (await kubectl.run(["logs", "files", "--tail=1"])).stdout.startsWith("colour grey"));
    expect(await log("--previous")).toBe([...all, "somebody asks for a crash"].join("\n"));
  });
}

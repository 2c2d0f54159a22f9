import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FETCH_MS } from "../clients/fetched-clients.ts";
import { ClientProgram } from "./client-program.ts";
import { helmBinary, olderBinaries } from "./layer-binaries.ts";
import { freshDataDirectory, Troupe } from "./troupe.ts";

const CHART = join(import.meta.dirname, "../../examples/charts/guestbook");
/** Longer than a rollout of a few hollow pods, and what an upgrade that cannot work waits before it is given up. */
const ROLLOUT = "--timeout=120s";
const HOPELESS = "--timeout=3s";
/** What no hollow node has: 32 cores are all. */
const TOO_MUCH = "--set=resources.requests.cpu=64";

let troupe: Troupe;
let tools: readonly Tool[];
beforeAll(async () => {
  troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "3"]);
  tools = [tool(3, (await olderBinaries()).helm, "--atomic", "Update"), tool(4, helmBinary(), "--rollback-on-failure", "Apply")];
}, FETCH_MS);
afterAll(() => troupe?.discard());

interface Managed {
  readonly metadata: { readonly managedFields: readonly { readonly manager: string; readonly operation: string }[] };
}
interface Revision {
  readonly revision: number;
  readonly status: string;
  readonly description: string;
}

/** One helm, with a release and a namespace of its own: both go through each step at the same time. */
function tool(version: number, binary: string, rollsBack: string, operation: "Apply" | "Update") {
  const [book, namespace] = [`book${version}`, `shop${version}`];
  const inNamespace = ["-n", namespace];
  const client = new ClientProgram(binary, troupe.kubeconfig, troupe.home(namespace));
  const helm = (...args: string[]): Promise<string> => client.ok([...args, ...inNamespace]);
  const get = (...args: string[]): Promise<string> => troupe.kubectl.ok(["get", ...args, ...inNamespace]);
  const revisions = async (): Promise<readonly (readonly [number, string])[]> =>
    (JSON.parse(await helm("history", book, "-o", "json")) as Revision[]).map(({ revision, status }) => [revision, status]);
  return { version, book, namespace, inNamespace, client, helm, get, rollsBack, operation, revisions };
}
type Tool = ReturnType<typeof tool>;

const both = async (step: (tool: Tool) => Promise<void>): Promise<void> => {
  await Promise.all(tools.map(step));
};

test("is the version that it is taken for", () =>
  both(async ({ version, client }) => {
    expect(await client.ok(["version", "--short"])).toMatch(new RegExp(`^v${version}\\.`));
  }));

test("install --wait: definitions, hooks, and objects of more than 20 kinds", () =>
  both(async ({ book, helm, get, operation, inNamespace }) => {
    expect(await helm("install", book, CHART, "--create-namespace", "--wait", ROLLOUT)).toContain("STATUS: deployed");
    const manifest = await helm("get", "manifest", book);
    const kinds = new Set([...manifest.matchAll(/^kind: (\w+)$/gm)].map(([, kind]) => kind));
    expect(kinds.size).toBeGreaterThan(20);
    const ready = "jsonpath={.status.readyReplicas}";
    expect([await get("deployment", `${book}-web`, "-o", ready), await get("replicaset", `${book}-cache`, "-o", ready)]).toEqual([
      "2",
      "1",
    ]);
    expect(await get("statefulset", `${book}-book`, "-o", ready)).toBe("2");
    expect(await get("daemonset", `${book}-porter`, "-o", "jsonpath={.status.numberReady}")).toBe("3");
    expect(await get("pod", `${book}-pre-install`, "-o", "jsonpath={.status.phase}")).toBe("Succeeded");
    expect(await get("job", `${book}-post-install`, "-o", "jsonpath={.status.succeeded}")).toBe("2");
    expect(await get("gbe", "--no-headers")).toMatch(new RegExp(`^${book}-first +${book}$`));
    expect(await get("entry", `${book}-first`, "-o", "jsonpath={.spec.stars}")).toBe("3");
    const { metadata } = await troupe.kubectl.json<Managed>([
      "get",
      "configmap",
      `${book}-config`,
      "--show-managed-fields",
      ...inNamespace,
    ]);
    expect(metadata.managedFields).toMatchObject([{ manager: "helm", operation }]);
  }));

test("list, status and get", () =>
  both(async ({ book, helm }) => {
    expect(JSON.parse(await helm("list", "-o", "json"))).toMatchObject([{ name: book, status: "deployed" }]);
    expect(await helm("status", book)).toContain(`${book} greets with "Hello" from 2 replicas.`);
    expect((await helm("get", "hooks", book)).match(/^kind: (Pod|Job)$/gm)).toHaveLength(6);
    expect(JSON.parse(await helm("get", "values", book, "--all", "-o", "json"))).toMatchObject({ greeting: "Hello", replicas: 2 });
  }));

test("a dry run asks the server, which refuses what is wrong, and leaves nothing behind", () =>
  both(async ({ version, book, client, helm, inNamespace }) => {
    const other = ["install", `other${version}`, CHART, "--skip-crds", "--dry-run=server"];
    expect(await helm(...other, "--set=greeting=Aha")).toContain('greets with "Aha"');
    const wrong = ["upgrade", book, CHART, ...inNamespace, "--set=resources.requests.cpu=much"];
    expect(await client.refused(wrong)).toContain("quantities must match the regular expression");
    expect(JSON.parse(await helm("list", "-o", "json"))).toMatchObject([{ name: book, status: "failed" }]);
  }));

test("test: passes, shows its logs, and fails when its pod does", () =>
  both(async ({ book, client, helm, inNamespace }) => {
    expect(await helm("test", book, "--logs")).toMatch(/Phase: +Succeeded[\s\S]*This container is hollow/);
    await helm("upgrade", book, CHART, "--set=testExitCode=1", "--wait", ROLLOUT);
    const failed = await client.run(["test", book, ...inNamespace, HOPELESS]);
    expect([failed.code, failed.stdout]).toEqual([1, expect.stringMatching(/Phase: +Failed/)]);
  }));

test("upgrade --install --wait: what changed changes, and an upgrade that cannot work is rolled back", () =>
  both(async ({ book, client, helm, get, rollsBack, revisions, inNamespace }) => {
    await helm("upgrade", "--install", book, CHART, "--wait", ROLLOUT, "--set=greeting=Hi,replicas=3");
    expect(await get("configmap", `${book}-config`, "-o", "jsonpath={.data.greeting}")).toBe("Hi");
    expect(await get("deployment", `${book}-web`, "-o", "jsonpath={.status.readyReplicas}")).toBe("3");
    await client.refused(["upgrade", book, CHART, ...inNamespace, rollsBack, HOPELESS, TOO_MUCH]);
    const history = await revisions();
    expect(history.slice(-3).map(([, status]) => status)).toEqual(["superseded", "failed", "deployed"]);
    expect(history.map(([revision]) => revision)).toEqual(history.map((_, index) => index + 1));
    await troupe.kubectl.ok(["rollout", "status", `deployment/${book}-web`, ROLLOUT, ...inNamespace]);
    expect(await get("deployment", `${book}-web`, "-o", "jsonpath={..requests.cpu}")).toBe("50m");
  }));

test("rollback: back to the first revision", () =>
  both(async ({ book, helm, get, revisions }) => {
    expect(await helm("rollback", book, "1", "--wait", ROLLOUT)).toBe("Rollback was a success! Happy Helming!");
    expect(await get("configmap", `${book}-config`, "-o", "jsonpath={.data.greeting}")).toBe("Hello");
    expect(await get("deployment", `${book}-web`, "-o", "jsonpath={.spec.replicas}")).toBe("2");
    expect((await revisions()).at(-1)?.[1]).toBe("deployed");
  }));

test("template against the server knows the chart's own kinds", () =>
  both(async ({ version, helm }) => {
    expect(await helm("template", `other${version}`, CHART, ...(version === 3 ? ["--validate"] : ["--dry-run=server"]))).toMatch(
      /^kind: Entry$/m,
    );
  }));

test("uninstall: everything goes but definitions, after the last hook", () =>
  both(async ({ book, helm, get }) => {
    expect(await helm("uninstall", book, "--wait", ROLLOUT)).toBe(`release "${book}" uninstalled`);
    expect(
      await get(
        "deployments,replicasets,statefulsets,daemonsets,cronjobs,services,configmaps,entries",
        "-l",
        `app.kubernetes.io/instance=${book}`,
        "-o",
        "name",
      ),
    ).toBe("");
    expect(await get("pod", `${book}-pre-delete`, "-o", "jsonpath={.status.phase}")).toBe("Succeeded");
    expect(await troupe.kubectl.ok(["get", "crd", "entries.guestbook.example.com", "-o", "name"])).not.toBe("");
    expect(JSON.parse(await helm("list", "-o", "json"))).toEqual([]);
  }));

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Attempt, Challenge, Learner } from "../../actors/controllers/learn/learn-objects.ts";
import { until } from "../../cluster/chaos/until.ts";
import { kubectlBinary } from "./layer-binaries.ts";
import { CHEATS } from "./learn/cheats.ts";
import { Player } from "./learn/player.ts";
import { SOLUTIONS } from "./learn/solutions.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

const LEARN = "/apis/learn.troupe.dev/v1";

describe("learning by playing", () => {
  let troupe: Troupe;
  let admin: Player;
  let ada: Player;
  let bob: Player;
  let challenges: readonly Challenge[];

  /** Somebody with no rights but those that everybody has. */
  async function player(user: string): Promise<Player> {
    const file = join(troupe.data, "..", `${user}.kubeconfig`);
    const made = await runTroupe(["kubeconfig", "--data", troupe.data, "--user", user, "--group", "crew", "--file", file]);
    expect(made).toEqual({ code: 0, stdout: `${file}: context troupe-${user}\n`, stderr: "" });
    return Player.of(file);
  }

  const named = (name: string): Challenge => {
    const found = challenges.find(({ metadata }) => metadata.name === name);
    if (found === undefined) throw new Error(`no challenge ${name}`);
    return found;
  };

  beforeAll(async () => {
    troupe = await Troupe.up(freshDataDirectory(), ["--nodes", "3"]);
    expect(await runTroupe(["learn", "install", "--data", troupe.data])).toMatchObject({
      code: 0,
      stdout: "14 challenges are there: npm run troupe -- learn\n",
    });
    admin = await Player.of(troupe.kubeconfig);
    [ada, bob] = await Promise.all([player("ada"), player("bob")]);
    challenges = (await admin.lessons.challenges()) ?? [];
  });
  afterAll(async () => {
    for (const each of [admin, ada, bob]) await each?.close();
    await troupe?.discard();
  });

  test("every challenge is solved by doing what it asks, and not before", async () => {
    expect(challenges.map(({ metadata }) => metadata.name).sort()).toEqual(Object.keys(SOLUTIONS).sort());
    await Promise.all(
      challenges.map(async (challenge) => {
        const attempt = await ada.start(challenge);
        expect(attempt.status?.phase, challenge.metadata.name).toBe("Active");
        expect(
          attempt.status?.checks?.every(({ holds }) => holds),
          challenge.metadata.name,
        ).toBe(false);
        for (const { name, message } of attempt.status?.checks ?? [])
          expect(message ?? "", `${challenge.metadata.name}: ${name}`).not.toContain("cannot be read");
        await SOLUTIONS[challenge.metadata.name]?.(ada, attempt.status?.namespace ?? "");
        await ada.solved(attempt);
      }),
    );
    const points = challenges.reduce((sum, { spec }) => sum + spec.points, 0);
    const learner = await ada.lessons.learner();
    expect(learner?.status).toMatchObject({ points, badges: ["captain", "deckhand", "first-steps", "navigator"] });
    expect(learner?.status?.solved).toHaveLength(challenges.length);
  });

  test("no challenge is solved by half the work, or by other work that looks like it", async () => {
    expect(new Set(CHEATS.map(({ challenge }) => challenge)).size).toBe(challenges.length);
    // All at once, each on an attempt of its own.
    await Promise.all(
      CHEATS.map(async ({ challenge, trick, do: cheat, leaves }) => {
        const { metadata } = (await bob.post(`${LEARN}/attempts`, {
          apiVersion: "learn.troupe.dev/v1",
          kind: "Attempt",
          metadata: { generateName: `${challenge}-` },
          spec: { challenge, user: "bob" },
        })) as Attempt;
        const attempt = await until(`setup of ${challenge}`, async () => {
          const now = await bob.get<Attempt>(`${LEARN}/attempts/${metadata.name}`);
          return now.status?.phase === "Active" ? now : false;
        });
        await cheat(bob, attempt.status?.namespace ?? "");
        const after = await bob.stands(attempt, leaves);
        expect(after.status?.phase, `${challenge}: ${trick}`).toBe("Active");
      }),
    );
  });

  test("nobody gives points, and nobody plays in another's name or place", async () => {
    const attempt = await bob.start(named("deploy"));
    const path = `${LEARN}/attempts/${attempt.metadata.name}/status`;
    const gift = { status: { phase: "Solved", namespace: "x" } };
    expect(await bob.refused(bob.merge(path, gift))).toContain("was answered 403");
    expect(await admin.refused(admin.merge(path, gift))).toContain("points are earned");
    const book = (await admin.get<Learner>(`${LEARN}/learners`)) as unknown as { items: Learner[] };
    const own = book.items.find(({ spec }) => spec.user === "bob")?.metadata.name;
    const riches = { status: { points: 1_000, solved: [], badges: [] } };
    expect(await bob.refused(bob.merge(`${LEARN}/learners/${own}/status`, riches))).toContain("was answered 403");
    expect(await admin.refused(admin.merge(`${LEARN}/learners/${own}/status`, riches))).toContain("points are earned");
    const of = (user: string, name: string): object => ({
      apiVersion: "learn.troupe.dev/v1",
      kind: "Attempt",
      metadata: { name },
      spec: { challenge: "deploy", user },
    });
    expect(await bob.refused(bob.post(`${LEARN}/attempts`, of("ada", "hers")))).toContain("an attempt is one's own");
    const [hers] = (await ada.get<{ items: Attempt[] }>(`${LEARN}/attempts`)).items.filter(({ spec }) => spec.user === "ada");
    expect(await bob.refused(bob.delete(`${LEARN}/attempts/${hers?.metadata.name}`))).toContain("only who made an attempt");
    expect(await bob.refused(bob.delete(`/api/v1/namespaces/${hers?.status?.namespace}/pods`))).toContain("was answered 403");
    // A namespace that was there before is not given to who calls his attempt so.
    await admin.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "learn-taken" } });
    await bob.post(`${LEARN}/attempts`, of("bob", "taken"));
    const taken = await until("a failure", async () => {
      const now = await bob.get<Attempt>(`${LEARN}/attempts/taken`);
      return now.status?.phase === "Failed" ? now : false;
    });
    expect(taken.status?.message).toContain("there is a Namespace learn-taken already");
    expect(await bob.refused(bob.get("/api/v1/namespaces/learn-taken/pods"))).toContain("was answered 403");
  });

  test("the command line shows it, and takes it back", async () => {
    const kubeconfig = join(dirname(troupe.data), "ada.kubeconfig");
    const troupeLearn = (...args: string[]): ReturnType<typeof runTroupe> => runTroupe(["learn", ...args, "--kubeconfig", kubeconfig]);
    const [list, board, check, hint] = await Promise.all([
      troupeLearn(),
      troupeLearn("leaderboard"),
      troupeLearn("check", "deploy", "-o", "json"),
      troupeLearn("hint", "deploy"),
    ]);
    expect(list.stdout).toMatch(/^ 1 {2}deploy +bronze +10 {2}Set sail +solved$/m);
    expect(board.stdout).toMatch(/^USER .*\nada +\d+ +14 {2}captain, deckhand, first-steps, navigator\n/);
    expect(check.code).toBe(0);
    expect(JSON.parse(check.stdout)).toMatchObject({ spec: { challenge: "deploy", user: "ada" }, status: { phase: "Solved" } });
    expect(hint.stdout).toContain("A Deployment makes a ReplicaSet");
    const { namespace } = (JSON.parse(check.stdout) as Attempt).status ?? {};
    expect(await troupeLearn("reset", "deploy")).toMatchObject({ code: 0 });
    await admin.gone(`/api/v1/namespaces/${namespace}`);
    expect((await ada.lessons.learner())?.status?.solved.some(({ challenge }) => challenge === "deploy")).toBe(true);
    expect(await troupeLearn("check", "deploy")).toEqual({
      code: 1,
      stdout: "",
      stderr: "troupe: deploy was not begun: npm run troupe -- learn start deploy\n",
    });
  });

  test("docs/learn.md: a challenge that one writes, and its solution", async () => {
    const book = readFileSync(join(import.meta.dirname, "../../docs/learn.md"), "utf8");
    const [manifest = "", solution = ""] = ["yaml", "sh"].map(
      (language) => book.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms"))?.[1],
    );
    const file = join(dirname(troupe.data), "pause.yaml");
    writeFileSync(file, manifest);
    expect(await troupe.kubectl.run(["apply", "-f", file])).toMatchObject({ code: 0 });
    const attempt = await ada.start(await ada.lessons.challenge("pause"));
    expect(attempt.status?.checks?.every(({ holds }) => holds)).toBe(false);
    execFileSync("bash", ["-ec", solution], {
      env: {
        PATH: `${dirname(kubectlBinary())}:${process.env.PATH}`,
        KUBECONFIG: join(dirname(troupe.data), "ada.kubeconfig"),
        NAMESPACE: attempt.status?.namespace,
        HOME: troupe.home("learner"),
      },
    });
    await ada.solved(attempt);
  });
});

import type { Node, Pod } from "../../actors/kinds/generated/types.ts";
import { ApiClient } from "../../bench/driver/api-client.ts";
import { BenchFailure } from "../../bench/failure.ts";
import { ClusterDoor } from "../actors-top/access.ts";
import { summarize } from "../actors-top/summary.ts";
import { BootFailure } from "../boot/failure.ts";
import { printed } from "../command-line/output.ts";
import { bar, showProgress } from "../command-line/progress.ts";
import { ENTER_SCREEN, LEAVE_SCREEN, overwritten, TERMINAL_COLUMNS, TERMINAL_ROWS } from "../command-line/screen.ts";
import { readKubeconfig } from "../outbound/kubeconfig.ts";
import { type NodeFacts, nodeFacts, type PodFacts, podFacts } from "./facts.ts";
import { Feed } from "./feed.ts";
import type { TopFlags } from "./flags.ts";
import { type Picture, pictureOf } from "./picture.ts";
import { FRAME_LINES, screenLines } from "./screen.ts";
import { begin, pressed, type TopState } from "./state.ts";

const CONNECTIONS = 4;

/** `troupe top`: on a terminal until it is told to quit, elsewhere once. Throws BootFailure. */
export async function runTop(flags: TopFlags, input: NodeJS.ReadStream, output: NodeJS.WriteStream): Promise<void> {
  const door = ClusterDoor.open(flags.data);
  const client = new ApiClient(readKubeconfig(door.kubeconfig), CONNECTIONS);
  const nodes = new Feed<Node, NodeFacts>(client, "/api/v1/nodes", nodeFacts);
  const pods = new Feed<Pod, PodFacts>(client, "/api/v1/pods", podFacts);
  const look = looker(door);
  try {
    const hide = showProgress(() => `reading nodes and pods ${bar(pods.share)}`);
    await Promise.all([nodes.list(), pods.list(), look()]).finally(hide);
    const state = begin(flags.view);
    const lives = output.isTTY === true && input.isTTY === true && !flags.once && flags.format === "table";
    if (lives) {
      await live({ nodes, pods, look, interval_ms: flags.interval_ms }, state, input, output);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, flags.interval_ms));
    const picture = pictureOf({ nodes: nodes.all, pods: pods.all, actors: await look() }, state);
    output.write(await printed(flags.format, picture, () => stillLines(picture, state)));
  } catch (error) {
    throw error instanceof BenchFailure ? new BootFailure(error.message) : error;
  } finally {
    nodes.close();
    pods.close();
    await client.close();
    await door.close();
  }
}

/** What actors do between two looks. */
function looker(door: ClusterDoor): () => Promise<ReturnType<typeof summarize>> {
  let before: Awaited<ReturnType<ClusterDoor["actors"]>> | undefined;
  return async () => {
    const now = await door.actors(undefined, 0);
    const summary = summarize(before ?? now, now, { kind: undefined, sort: "messages" });
    before = now;
    return summary;
  };
}

/** All rows, for a pipe or a file: without keys, as wide as they are. */
function stillLines(picture: Picture, state: TopState): readonly string[] {
  return screenLines(picture, state, picture.rows.length, Number.POSITIVE_INFINITY, Date.now())
    .slice(0, -2)
    .map((line) => line.trimEnd());
}

interface Sources {
  readonly nodes: Feed<Node, NodeFacts>;
  readonly pods: Feed<Pod, PodFacts>;
  readonly look: ReturnType<typeof looker>;
  readonly interval_ms: number;
}

/** Redraws every so often, on every key, and when the terminal changes its size. */
async function live(
  { nodes, pods, look, interval_ms }: Sources,
  first: TopState,
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
): Promise<void> {
  let state = first;
  let actors = await look();
  let all = 0;
  // A terminal that nobody gave a size has none: 0.
  const rows = (): number => Math.max(1, (output.rows || TERMINAL_ROWS) - FRAME_LINES);
  const draw = (): void => {
    const picture = pictureOf({ nodes: nodes.all, pods: pods.all, actors }, state);
    all = picture.rows.length;
    const lines = screenLines(picture, state, rows(), output.columns || TERMINAL_COLUMNS, Date.now());
    output.write(overwritten(lines));
  };
  const ended = Promise.withResolvers<void>();
  const onKey = (chunk: Buffer): void => {
    const next = pressed(state, chunk.toString(), rows(), all);
    if (next === undefined) {
      ended.resolve();
      return;
    }
    state = next;
    draw();
  };
  const looking = setInterval(() => {
    void look().then((summary) => {
      actors = summary;
      draw();
    }, ended.reject);
  }, interval_ms);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ended.resolve());
  output.write(ENTER_SCREEN);
  output.on("resize", draw);
  input.setRawMode(true);
  input.on("data", onKey);
  void nodes.follow();
  void pods.follow();
  try {
    draw();
    await ended.promise;
  } finally {
    clearInterval(looking);
    input.off("data", onKey);
    input.setRawMode(false);
    input.pause();
    output.off("resize", draw);
    output.write(LEAVE_SCREEN);
  }
}

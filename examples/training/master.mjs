/**
 * The master: a queue of shards, each of which is trained with once a pass. A shard that a trainer has comes back to the queue when its pod does not run any
 * more. How many passes there are the annotation `passes` of its Job says, also while it runs.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { api, ask, parameterServers, running, serve } from "./cluster.mjs";
import { HELD_OUT, loss, SHARDS, samples } from "./model.mjs";

const LOOK_MS = 300;
const queue = [];
/** The shard that each trainer has. It has one from its first question to the end, unless there is none left. */
const taken = new Map();
/** Trainers that wait for one. */
const waiting = new Map();
/** Those that know that it is over. */
const told = new Set();
let pass = 0;
let passes = await passesWanted();

const server = serve({
  /** The next shard for a trainer that is done with this one. Without a shard it is over. */
  take: ({ pod, done }) => {
    // Who asks again has not heard the answer.
    if (taken.get(pod) !== done) takeBack(pod);
    taken.delete(pod);
    return new Promise((resolve) => {
      waiting.set(pod, resolve);
      handOut();
    });
  },
});

function handOut() {
  for (const [pod, resolve] of waiting) {
    if (queue.length === 0 && pass < passes) {
      pass++;
      queue.push(...Array.from({ length: SHARDS }, (_, shard) => shard));
    }
    const shard = queue.shift();
    // What others have may come back.
    if (shard === undefined && taken.size > 0) return;
    if (shard === undefined) told.add(pod);
    else taken.set(pod, shard);
    waiting.delete(pod);
    resolve({ shard });
  }
}

function takeBack(pod) {
  const shard = taken.get(pod);
  if (shard === undefined) return;
  console.log(`takes back shard ${shard} of ${pod}`);
  taken.delete(pod);
  queue.unshift(shard);
}

async function passesWanted() {
  return Number((await api("jobs/master", "apis/batch/v1")).metadata.annotations.passes);
}

const servers = await parameterServers();
const heldOut = samples(HELD_OUT);
const lossNow = async () => loss((await Promise.all(servers.map(({ url }) => ask(`${url}/pull`, {})))).flat(), heldOut);

for (let said = 0; ; await delay(LOOK_MS)) {
  const trainers = (await running("trainer")).map(({ name }) => name);
  // Who has just begun may ask before it is known to run.
  const alive = new Set((await running("trainer", ["Pending", "Running"])).map(({ name }) => name));
  passes = await passesWanted();
  for (const pod of [...taken.keys()]) if (!alive.has(pod)) takeBack(pod);
  for (const pod of [...waiting.keys()]) if (!alive.has(pod)) waiting.delete(pod);
  handOut();
  if (pass > said) console.log(`pass ${pass} loss ${(await lossNow()).toFixed(4)}`);
  said = pass;
  if (told.size > 0 && trainers.every((pod) => told.has(pod))) break;
}
const result = `loss ${(await lossNow()).toFixed(4)}`;
console.log(`finished with ${result}`);
writeFileSync(process.env.TROUPE_TERMINATION_LOG ?? "/dev/termination-log", result);
for (const { url } of servers) await ask(`${url}/finish`, {});
server.close();
server.closeIdleConnections();

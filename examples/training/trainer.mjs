/** A trainer: asks the master for a shard, and for each batch of it pulls the weights, works out the gradient and pushes it. */
import { api, ask, parameterServers, patiently, pod, running, slice } from "./cluster.mjs";
import { gradient, samples } from "./model.mjs";

const BATCH = 50;

/** Undefined: it has ended, and so has the training. */
const master = await patiently("the master", async () => {
  const [found] = await running("master");
  if (found !== undefined) return found;
  const { status } = await api("jobs/master", "apis/batch/v1");
  if (status.succeeded === 1) return undefined;
  throw new Error("it does not run");
});
const servers = master === undefined ? [] : await parameterServers();

const next = async (done) =>
  master === undefined ? undefined : (await patiently("a shard", () => ask(`${master.url}/take`, { pod, done }))).shard;
for (let shard = await next(); shard !== undefined; shard = await next(shard)) {
  console.log(`trains with shard ${shard}`);
  const data = samples(shard);
  for (let at = 0; at < data.length; at += BATCH) {
    const parts = await Promise.all(servers.map(({ url }) => ask(`${url}/pull`, {})));
    const moved = gradient(parts.flat(), data.slice(at, at + BATCH));
    await Promise.all(servers.map(({ url }, server) => ask(`${url}/push`, moved.slice(...slice(server, servers.length)))));
  }
}
console.log("finished");

/** Logistic regression on data that is made from the number of its shard, so that whoever gets a shard has the same. */
import { WEIGHTS } from "./cluster.mjs";

export const SHARDS = 32;
/** A shard that nobody trains with. */
export const HELD_OUT = SHARDS;
const SAMPLES = 250;

/** Uniform in [0, 1). mulberry32. */
function random(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const vector = (next) => Array.from({ length: WEIGHTS }, () => next() * 4 - 2);
const dot = (a, b) => a.reduce((sum, each, at) => sum + each * b[at], 0);
const sigmoid = (x) => 1 / (1 + Math.exp(-x));
/** What is to be found. */
const TRUTH = vector(random(1));

export function samples(shard) {
  const next = random(1_000 + shard);
  return Array.from({ length: SAMPLES }, () => {
    const x = [...vector(next).slice(1), 1];
    return { x, y: next() < sigmoid(dot(TRUTH, x)) ? 1 : 0 };
  });
}

/** Of the mean loss over a batch. */
export function gradient(weights, batch) {
  const sum = new Array(WEIGHTS).fill(0);
  for (const { x, y } of batch) {
    const error = sigmoid(dot(weights, x)) - y;
    for (let at = 0; at < WEIGHTS; at++) sum[at] += (error * x[at]) / batch.length;
  }
  return sum;
}

/** The mean of log loss; that of a coin is 0.693. */
export function loss(weights, batch) {
  const each = batch.map(({ x, y }) => Math.log1p(Math.exp((y === 1 ? -1 : 1) * dot(weights, x))));
  return each.reduce((sum, one) => sum + one, 0) / batch.length;
}

/** A parameter server: keeps its part of the weights, and moves it by the gradients that trainers push. It ends when the master says so. */
import { index, serve, slice } from "./cluster.mjs";

const RATE = 0.5;
const [from, to] = slice(index, Number(process.env.SERVERS));
const weights = new Array(to - from).fill(0);
console.log(`keeps weights ${from} to ${to - 1}`);

const server = serve({
  pull: () => weights,
  push: (gradient) => {
    for (const [at, each] of gradient.entries()) weights[at] -= RATE * each;
  },
  finish: () => {
    console.log("finished");
    server.close();
    server.closeIdleConnections();
  },
});

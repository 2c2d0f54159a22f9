import { setFlagsFromString } from "node:v8";

/** A heap is gone through when it has grown by so much since the last time. V8 would have it grow to two or three times as much where much is left behind, and it hardly shrinks again. */
const GROWS_BY_PERCENT = 60;

/**
 * Has V8 decide by the heap alone when to go through all of it, in threads that are begun afterwards. It does so too whenever 64 MB more of buffers lie outside the heap, and then everybody
 * who makes a buffer has to help for 5 to 10 ms until it is done: with 150,000 pods that is seconds of work, several times a minute, and buffers are made all the time. See
 * docs/benchmarks.md.
 */
export function collectByHeap(): void {
  setFlagsFromString("--external-memory-accounted-in-global-limit");
  setFlagsFromString(`--heap-growing-percent=${GROWS_BY_PERCENT}`);
}

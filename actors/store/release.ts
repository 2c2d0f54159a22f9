/**
 * Gives the memory of a buffer back now. The garbage collector counts what lies outside its heap, and goes through all of the heap for every
 * 64 MB of it: while a store of 150,000 pods is read back that was half of the processor time. Nobody may use the buffer afterwards.
 */
export function release({ buffer }: Buffer): void {
  // Buffers that share their memory with others have it from a pool of that size.
  if (buffer.byteLength > Buffer.poolSize && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/**
 * How large zlib's chunk is to be for an output of so many bytes: it has memory of its own and can be released, where smaller ones come from the pool; and it is
 * never full, which would have zlib make another.
 */
export function releasableBytes(bytes: number): number {
  return Math.max(bytes, Buffer.poolSize) + 1;
}

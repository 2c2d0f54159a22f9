import { existsSync } from "node:fs";

/** In a package, below node_modules, where Node takes no types out, lies what `npm pack` made of the sources. */
const packed = new URL("../dist/client/mod.js", import.meta.url);
const { Troupe, TroupeError } = await import(existsSync(packed) ? packed.href : "./mod.ts");

export { Troupe, TroupeError };

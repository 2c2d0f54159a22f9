import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";

/** Node strips types by itself, but not below node_modules, where this package lies for those who depend on it. */
const own = new URL(".", import.meta.url).href;
const hooks = own.includes("/node_modules/")
  ? registerHooks({
      load(url, context, next) {
        if (!url.startsWith(own) || !url.endsWith(".ts")) return next(url, context);
        return { format: "module", source: stripTypeScriptTypes(readFileSync(new URL(url), "utf8")), shortCircuit: true };
      },
    })
  : undefined;
const client = await import("./mod.ts");
hooks?.deregister();

export const { Troupe, TroupeError } = client;

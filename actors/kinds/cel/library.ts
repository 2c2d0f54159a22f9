/** What Kubernetes' CEL has beside the language itself. Source: k8s.io/apiserver/pkg/cel/environment/base.go, as of 1.34. */
import type { Environment } from "@marcbachmann/cel-js";
import { addAddresses, addUrls } from "./addresses.ts";
import { addComprehensions } from "./comprehensions.ts";
import { addFormats } from "./formats.ts";
import { addLists } from "./lists.ts";
import { addOptionals } from "./optionals.ts";
import { addQuantities } from "./quantities.ts";
import { addSemver } from "./semver.ts";
import { addTexts } from "./texts.ts";

export function addLibraries(env: Environment): Environment {
  for (const add of [addLists, addTexts, addComprehensions, addQuantities, addUrls, addAddresses, addFormats, addSemver, addOptionals])
    add(env);
  return env;
}

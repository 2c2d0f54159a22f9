import type { Pod } from "../kinds/generated/types.ts";
import { nodeNameOf } from "../kinds/metadata-text.ts";
import type { IndexDefinition } from "../store/view.ts";

/** Pods by the node that they are bound to. */
export const podsByNode: IndexDefinition = {
  name: "nodes:pods",
  resource: "pods",
  values: (object) => {
    const { nodeName } = (object as Pod).spec;
    return nodeName === undefined || nodeName === "" ? [] : [nodeName];
  },
  valuesOfText: ({ text }) => {
    const nodeName = nodeNameOf(text);
    return nodeName === undefined || nodeName === "" ? [] : [nodeName];
  },
};

import { svg, type TemplateResult } from "lit-html";

/** Line drawings in a square of 16. */
const PATHS = {
  map: "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z",
  pulse: "M1.5 8.5h3l2-5 3 9 2-4h3",
  actors:
    "M8 2.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM3.5 9.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM12.5 9.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM6.8 6.3 4.7 9.7M9.2 6.3l2.1 3.4",
  plots: "M2 2v12h12M4.5 10.5 7 7l2.5 2L13 4",
  workloads: "M8 1.8 14 5v6l-6 3.2L2 11V5zM2 5l6 3.2L14 5M8 8.2v6",
  network: "M8 2.2v4M8 9.8v1.2M3.5 13.5v-2.5h9v2.5M5.8 6.2h4.4v3.6H5.8z",
  config: "M2.5 4.5h6M11.5 4.5h2M10 3v3M2.5 8h2M7.5 8h6M6 6.5v3M2.5 11.5h5M10.5 11.5h3M9 10v3",
  storage: "M3 4c0-1.1 2.2-2 5-2s5 .9 5 2-2.2 2-5 2-5-.9-5-2zM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2",
  namespaces: "M2 5.5 3.5 3h3L8 5.5h6v7.5H2z",
  learn: "M1.5 6 8 3l6.5 3L8 9zM4 7.2V11c1 1 2.4 1.5 4 1.5s3-.5 4-1.5V7.2M14.5 6v4",
  nodes: "M2.5 2.5h11v4h-11zM2.5 9.5h11v4h-11zM5 4.5h.2M5 11.5h.2",
  kinds: "M2.5 2.5h4v4h-4zM9.5 9.5h4v4h-4zM11.5 2.2v4.6M9.2 4.5h4.6M4.5 9.2a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6z",
  pods: "M8 2 13.2 5v6L8 14 2.8 11V5z",
  events: "M2.5 4h11M2.5 8h11M2.5 12h7",
  question: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM6.2 6.2a1.8 1.8 0 1 1 2.7 1.6c-.6.35-.9.7-.9 1.4M8 11.4v.2",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14",
  sun: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.5 9.6A5.8 5.8 0 0 1 6.4 2.5a5.8 5.8 0 1 0 7.1 7.1z",
  system: "M2 3h12v8H2zM6 14h4M8 11v3",
  leave: "M6 2.5H3v11h3M10 5l3 3-3 3M13 8H6.5",
  close: "m3.5 3.5 9 9M12.5 3.5l-9 9",
  warning: "M8 2 14.5 13.5h-13zM8 6.5v3.5M8 11.7v.2",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  fit: "M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon beside words: nothing that is read aloud. */
export function icon(name: IconName): TemplateResult {
  return svg`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}

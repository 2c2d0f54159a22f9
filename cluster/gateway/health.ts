import type { Family } from "../observation/families.ts";
import type { Answer } from "./answer.ts";
import { PAGE_NOT_FOUND } from "./answer.ts";

/** One thing that must be well. `run` resolves to what is wrong, or undefined. */
export interface HealthCheck {
  readonly name: string;
  /** The pages that ask it. */
  readonly on: readonly HealthEndpoint[];
  run(): Promise<string | undefined>;
}

/** All of them. */
export const EVERYWHERE: readonly HealthEndpoint[] = ["healthz", "livez", "readyz"];

export type HealthEndpoint = "healthz" | "livez" | "readyz";

/**
 * Answers a health page: `ok`, with `?verbose` or on failure one line a check, with a check's name behind the slash that check alone.
 * `?exclude=` leaves checks out. Source: Kubernetes' page on API health endpoints.
 */
export async function health(
  checks: readonly HealthCheck[],
  endpoint: HealthEndpoint,
  check: string,
  query: URLSearchParams,
  results: HealthResults,
): Promise<Answer> {
  const asked = checks.filter(({ on }) => on.includes(endpoint));
  if (check !== "") {
    const one = asked.find(({ name }) => name === check);
    if (one === undefined) return PAGE_NOT_FOUND;
    const wrong = await outcomeOf(one);
    return wrong === undefined ? plain(200, "ok") : plain(500, `internal server error: ${wrong}\n`);
  }
  const excluded = new Set(query.getAll("exclude"));
  const lines: string[] = [];
  const failed: string[] = [];
  for (const one of asked) {
    if (excluded.has(one.name)) {
      lines.push(`[+]${one.name} excluded: ok`);
      continue;
    }
    const wrong = await outcomeOf(one);
    results.note(one.name, endpoint, wrong === undefined);
    if (wrong !== undefined) failed.push(one.name);
    lines.push(wrong === undefined ? `[+]${one.name} ok` : `[-]${one.name} failed: reason withheld`);
  }
  const unknown = [...excluded].filter((name) => !asked.some((one) => one.name === name));
  if (unknown.length > 0) {
    const names = unknown
      .sort()
      .map((name) => JSON.stringify(name))
      .join(",");
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
  }
  if (failed.length > 0) return plain(500, `${lines.join("\n")}\n${endpoint} check failed\n`);
  return plain(200, query.has("verbose") ? `${lines.join("\n")}\n${endpoint} check passed\n` : "ok");
}

async function outcomeOf(check: HealthCheck): Promise<string | undefined> {
  try {
    return await check.run();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function plain(code: number, text: string): Answer {
  return { type: "text", code, text, headers: { "X-Content-Type-Options": "nosniff" } };
}

/** What the checks said so far, for /metrics/slis. Source: component-base's metrics/prometheus/slis. */
export class HealthResults {
  readonly #results = new Map<
    string,
    { readonly name: string; readonly type: string; well: boolean; successes: number; failures: number }
  >();

  note(name: string, type: HealthEndpoint, well: boolean): void {
    const key = `${type} ${name}`;
    const result = this.#results.get(key) ?? { name, type, well, successes: 0, failures: 0 };
    this.#results.set(key, result);
    result.well = well;
    if (well) result.successes++;
    else result.failures++;
  }

  families(): readonly Family[] {
    const results = [...this.#results.values()];
    return [
      {
        name: "kubernetes_healthcheck",
        help: "What a health check said last: 1 is well.",
        type: "gauge",
        samples: results.map(({ name, type, well }) => ({ labels: { name, type }, value: Number(well) })),
      },
      {
        name: "kubernetes_healthchecks_total",
        help: "What health checks said so far.",
        type: "counter",
        samples: results.flatMap(({ name, type, successes, failures }) => [
          ...(successes > 0 ? [{ labels: { name, status: "success", type }, value: successes }] : []),
          ...(failures > 0 ? [{ labels: { name, status: "error", type }, value: failures }] : []),
        ]),
      },
    ];
  }
}

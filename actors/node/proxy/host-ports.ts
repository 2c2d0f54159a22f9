import { isTerminalPhase } from "../../kinds/core/pod-phase.ts";
import type { Container, Pod } from "../../kinds/generated/types.ts";
import type { ForwardedProtocol, PortForwarding, ServiceForwarding } from "./forwarding.ts";
import { FORWARDED } from "./forwarding-rules.ts";

const EVERY_ADDRESS: ReadonlySet<string | undefined> = new Set([undefined, "", "0.0.0.0"]);

/**
 * How the host ports of a pod lead to it, where `addresses` are all of its node; undefined: it has none, or nobody is behind them. Pure. Source: the plugin
 * `portmap` of CNI, which Kubernetes' nodes have for it.
 */
export function hostPortsOf({ metadata, spec, status = {} }: Pod, addresses: readonly string[]): ServiceForwarding | undefined {
  const { podIP = "", phase } = status;
  // In the machine's own network whoever listens has the port already.
  if (podIP === "" || spec.hostNetwork === true || isTerminalPhase(phase)) return undefined;
  const ports = containersOf(spec).flatMap(({ ports: all = [] }) =>
    all.flatMap(({ hostPort = 0, hostIP, containerPort, protocol = "TCP" }): PortForwarding[] => {
      if (hostPort === 0 || !FORWARDED.has(protocol)) return [];
      const at = EVERY_ADDRESS.has(hostIP) ? addresses : [hostIP ?? ""];
      return [
        {
          name: `${hostIP ?? ""}:${hostPort}`,
          protocol: protocol as ForwardedProtocol,
          affinity_ms: 0,
          entrances: at.map((address) => ({ address, port: hostPort, traffic: "external", sources: [] })),
          internal: [],
          external: [{ address: podIP, port: containerPort }],
          keepsClients: true,
        },
      ];
    }),
  );
  return ports.length === 0 ? undefined : { namespace: metadata.namespace ?? "", name: metadata.name, ports, healthCheck: undefined };
}

/** Those that run beside one another. */
function containersOf({ initContainers = [], containers }: Pod["spec"]): readonly Container[] {
  return [...initContainers.filter(({ restartPolicy }) => restartPolicy === "Always"), ...containers];
}

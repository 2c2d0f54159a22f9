import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { until } from "../../cluster/chaos/until.ts";
import { describeCommands } from "./conformance-commands.ts";
import { describeServices } from "./conformance-services.ts";
import { describeVolumes } from "./conformance-volumes.ts";
import { Kubectl } from "./kubectl.ts";
import { kubectlBinary } from "./layer-binaries.ts";
import { OwnNetwork } from "./own-network.ts";
import { NAMESPACE, PodsAtWork } from "./pods-at-work.ts";
import { freshDataDirectory, runTroupe, Troupe } from "./troupe.ts";

/** They take other users, files at their paths, and ports below 1024. */
const isRoot = process.getuid?.() === 0;

/** What Kubernetes' conformance tests ask of real pods and no other test of ours: services, names, volumes and kubectl, all at once. */
describe.skipIf(!isRoot)(`pods as Kubernetes' conformance tests want them${isRoot ? "" : " (not here: it takes root)"}`, () => {
  let network: OwnNetwork;
  let troupe: Troupe;
  let pods: PodsAtWork | undefined;
  const data = freshDataDirectory();
  const beside = (): string => join(data, "..");
  const at = (): PodsAtWork => pods as PodsAtWork;
  beforeAll(async () => {
    network = await OwnNetwork.make();
    const flags = ["--runtime", "process", "--nodes", "2", "--dns-upstream", "127.0.0.1:9"];
    troupe = await Troupe.up(data, flags, { within: network.words });
    const wrapped = network.wrap(join(troupe.home("kubectl"), "kubectl"), kubectlBinary());
    pods = await PodsAtWork.begin(new Kubectl(troupe.kubeconfig, troupe.home("kubectl"), wrapped), join(beside(), "kubectl.sock"));
    // Without it there are no pods.
    await until("the service account", async () => (await at().ask(`${NAMESPACE}/serviceaccounts/default`)).status === 200);
  });
  afterAll(async () => {
    await pods?.end();
    await runTroupe(["reset", "--data", data, "--force"]);
    await troupe?.discard();
    network?.end();
  });
  describe.concurrent("at once", () => {
    describeServices(at);
    describeVolumes(at, beside);
    describeCommands(at);
  });
});

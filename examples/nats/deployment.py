"""Makes a Deployment and follows its pods until they run: python3 examples/nats/deployment.py nats://127.0.0.1:PORT me.creds"""
import sys
from pathlib import Path

from troupe_nats import Refused, Troupe

server, credentials = sys.argv[1:3]
troupe = Troupe(server, Path(credentials).read_text())
NAME, NAMESPACE, REPLICAS = "by-python", "default", 3
labels = {"app": NAME}
template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "nginx"}]}}
spec = {"replicas": REPLICAS, "selector": {"matchLabels": labels}, "template": template}
deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME}, "spec": spec}

for placement in troupe.request("create", "pods/what-if", NAMESPACE, body=deployment)["placements"]:
    print("would go to", placement["node"])
try:
    troupe.request("create", "deployments.apps", NAMESPACE, body={**deployment, "spec": {**spec, "replicas": -1}})
except Refused as refused:
    print("refused:", refused)
since = troupe.request("list", "pods", NAMESPACE)["metadata"]["resourceVersion"]
troupe.request("create", "deployments.apps", NAMESPACE, body=deployment, fieldManager="example")
running = set()
for kind, pod, revision in troupe.watch("pods", NAMESPACE, since):
    name, phase = pod["metadata"]["name"], pod.get("status", {}).get("phase")
    if pod["metadata"].get("labels", {}).get("app") != NAME:
        continue
    print(kind, name, phase, revision, flush=True)
    if phase == "Running":
        running.add(name)
    if len(running) == REPLICAS:
        break
scale = {"spec": {"replicas": 1}}
troupe.request("patch", "deployments.apps/scale", NAMESPACE, NAME, body=scale, Content_Type="application/merge-patch+json")
troupe.request("delete", "deployments.apps", NAMESPACE, NAME)
print("done")

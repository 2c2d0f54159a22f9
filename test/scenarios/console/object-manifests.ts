/** What the scenarios of the console look at. */
export const MANIFESTS = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, labels: {app: front}}
spec:
  replicas: 3
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec: {terminationGracePeriodSeconds: 0, containers: [{name: web, image: "web:1"}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: greedy}
spec:
  selector: {matchLabels: {app: greedy}}
  template:
    metadata: {labels: {app: greedy}}
    spec: {containers: [{name: web, image: "web:1", resources: {requests: {cpu: "500"}}}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec: {schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: c}]}}}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {app.yaml: "mode: fast"}
---
apiVersion: v1
kind: Secret
metadata: {name: payment}
stringData: {key: hush}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: jobs}
spec: {hard: {count/cronjobs.batch: "4"}}
`;

/** Objects that need one another: a kind before its objects, a namespace before what is in it. */
export const PASTED = `apiVersion: v1
kind: Namespace
metadata:
  name: pasted
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gears.example.com
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gears, singular: gear, kind: Gear}
  versions:
    - name: v1
      served: true
      storage: true
      additionalPrinterColumns: [{name: Teeth, type: integer, jsonPath: .spec.teeth}]
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {teeth: {type: integer}}}}}}
---
apiVersion: v1
kind: Service
metadata:
  name: pasted
spec:
  selector: {app: front}
  ports:
    - port: 80
---
apiVersion: example.com/v1
kind: Gear
metadata:
  name: big
  namespace: pasted
spec:
  teeth: 42
`;

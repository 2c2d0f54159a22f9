export const HELP = `Troupe: a cluster that speaks the Kubernetes API, on hollow nodes or in real processes.

  npm start -- [flags]                start a cluster, or go on with the one in the data directory
    --nodes N          play at least N nodes (default: those there are, 5 at first, with --runtime process 1; 0 for none)
    --runtime process  pods run as processes of this machine, no rights needed (docs/processes.md); default hollow
    --catalog FILE     what images stand for, with --runtime process
    --volumes-directory DIR   where volumes are made on demand (default: volumes in the data directory)
    --kube-reserved cpu=100m,memory=512Mi, --system-reserved ...   what of the machine is kept from pods
    --data DIR         where the cluster lives (default .troupe)
    --api-port P       port of the Kubernetes API on 127.0.0.1 (default 6443; 0 takes any free one)
    --nats URL[,URL]   use these NATS servers instead of one of its own; of a cluster any
    --advertise-address IP, --nats-port P   where other machines reach the API and NATS (default: nowhere, both on loopback)
    --threads N        hosts to spread the actors over (default: by the number of cores)
    --seed N           what befalls hollow pods and nodes by chance; the same seed, the same fate (default 0)
    --stages FILE[,FILE]      kwok's Stages: what becomes of pods, nodes and others, when (docs/hollow-nodes.md)
    --scheduler-config FILE   profiles, plugins and extenders, as kube-scheduler's --config has them
    --encryption-provider-config FILE   what to encrypt at rest, as kube-apiserver's flag has it
    --schedulers N     schedulers that share the pods among them (default 1)
    --only api         the API and its store alone: no controllers, scheduler or nodes
    --only scheduler   the same with the scheduler
    --service-account-issuer URL   who signs service account tokens, as they say it (default https://k)
    --token-auth-file FILE         tokens that hold beside all others: token,user,uid,"group,group" a line
    --cluster-cidr CIDR[,CIDR]     give nodes that others bring ranges for their pods out of this, one a family (hollow nodes have their own)
    --node-cidr-mask-size N        how large a node's range is (default 24; IPv6 64); two families: -ipv4 and -ipv6
    --horizontal-pod-autoscaler-sync-period D   how often autoscalers look (default 15s)
    --service-proxy on|off, --dns on|off   forward services, and answer for the cluster's names: docs/services.md
    --service-cluster-ip-range CIDR, --load-balancer-addresses RANGE[,RANGE]   what services get their addresses from
    --ingress-address ADDRESS|off   where ingresses are served
    --cluster-domain NAME, --dns-upstream ADDRESS[:PORT][,...]   under which the names are (default cluster.local), and who knows all others
    --terminated-pod-gc-threshold N   how many pods that have ended are kept (default 12500; 0 keeps all)
    --authentication-config FILE   issuers of ID tokens (OpenID Connect) and who may be anonymous, as kube-apiserver's flag has them
    --authentication-token-webhook-config-file FILE   a kubeconfig of who knows other tokens
    --authorization-config FILE    who is asked who may do what, as kube-apiserver's flag has it; in place of the next two
    --authorization-mode MODE      Node,RBAC (default), also Webhook; AlwaysAllow: everybody may do everything
    --authorization-webhook-config-file FILE   a kubeconfig of who else decides
    --audit-policy-file FILE, --audit-log-path FILE   record what is asked: docs/security.md
    and --oidc-issuer-url and the like, --anonymous-auth and the webhooks' -cache-...-ttl, as of kube-apiserver: docs/security.md
  npm run bench -- SUITE [flags]      measure; without SUITE the list of suites
  npm run sim -- [flags]              run the kernel on virtual time and a hostile network
    --seed N           the run to begin with (default 1); the same seed is the same run
    --minutes M        virtual minutes a run (default 10)
    --seeds COUNT      so many runs, one seed after another (default 1)
    --trace            print all that happens
  npm run sim -- cluster [flags]      the same with a whole cluster: its store, scheduler, controllers and nodes, and people who use it
    --seed N, --seeds COUNT    as above
    --hours H          virtual hours a run (default 24)
    --nodes N          hollow nodes (default 100)
    --hosts N          hosts that the actors are spread over (default 3)
    --trace            print what people do, and what goes wrong with hosts and network
  npm run fuzz -- [flags]             ask a gateway of its own strange things, seed after seed, until something breaks
    --minutes M        for so long (default 10)
    --seed N           the seed to begin with (default 1); the same seed is the same requests
    --case CHOICES     one case alone, as a failure names it
  npm run troupe -- actors [flags]    the actors of a running cluster by host and kind; on a terminal again and again
    --data DIR         where the cluster lives (default .troupe)
    --once, --json     one table; one line of JSON
    --kind K           actors of this kind only
    --sort COLUMN      messages (default), queue, mailbox, handler, active or restarts
    --interval S       seconds between two looks, of which rates and times are (default 1)
  npm run troupe -- chaos [flags]     do harm to a running cluster, and hold it to its promises; exit code 1 when one broke
    --data DIR         where the cluster lives (default .troupe)
    --rounds N         so many faults, drawn by --seed N (default 6), from --faults NAME[,NAME] (default all)
    --plan FILE        these faults instead (docs/operating.md)
    --deadline S       by then it ends (default 600)
    -o json            one line of JSON
    --keep             leave its namespace there
  npm run troupe -- why POD [flags]   what each node says of a pod: the filter that rejects it, or the score of each plugin
    -n NAMESPACE       of the pod (default default)
    -o json            one line of JSON
    --data DIR, --scheduler-config FILE   as above
  npm run troupe -- what-if -f FILE   where pods would go, and who would have to go for them; nothing is created
    -f FILE            pods, or objects with a template of pods; more than once if wanted
    --nodes FILE       with these nodes beside those there are, or in their place
    --offline          without a cluster: on the nodes of --nodes alone
    -n, -o, --data, --scheduler-config    as above
  npm run troupe -- init [flags]      start a cluster that other machines join, and print the line by which they do: the flags above, and
    --token T, --token-ttl D    to join by (default: a new one, 24h)
  npm run troupe -- join HOST:PORT    make this machine a node of that cluster; join alone goes on with it
    --token T, --discovery-token-ca-cert-hash sha256:H   as init prints them
    --node-name NAME, --data DIR, --threads N, --server-tls-bootstrap, --nats URL   docs/operating.md
  npm run troupe -- token create | list | delete    tokens to join by
    --ttl D, --description TEXT, --groups G[,G], --print-join-command, -o json
  npm run troupe -- certs check | renew             certificates of a data directory
  npm run troupe -- reset --data DIR                stop what runs there, and remove it (--force: without being asked)
  npm run troupe -- nats-credentials                credentials for the cluster's NATS of the user of a kubeconfig
    -o FILE, --ttl D (default 1h), --kubeconfig FILE
  npm run troupe -- backup FILE       the whole cluster in one file, while it runs or not
    --data DIR         where the cluster lives (default .troupe)
    --nats URL[,URL]   the NATS servers that it uses, if not its own
    --salvage          of a damaged store what can still be read
  npm run troupe -- restore FILE --data DIR    a new cluster of a backup, in an empty directory
    --nats URL[,URL]   on these NATS servers
    --replace          in place of the store that is on them
  npm test                            everything that CI runs
  npm run troupe -- version           the version

When all is ready it prints one line with the API's address and the kubeconfig to give to kubectl.
`;

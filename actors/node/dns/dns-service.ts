/** The service by which pods find the cluster's nameserver. */
export const DNS_NAMESPACE = "kube-system";
export const DNS_SERVICE = "kube-dns";
/** Its name as a proxy: the service's address is taken by the nameserver itself, and by no other. */
export const DNS_PROXY_NAME = "troupe-dns";
/** Of the range of services; in all clusters the same. */
export const DNS_ADDRESS_NUMBER = 10;

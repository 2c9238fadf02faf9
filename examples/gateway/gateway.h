/* The parts of the gateway example. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include <oakum.h>
#include <oakum/http.h>

/* So long a client of the gateway is kept waiting before it hears that there is no answer. */
#define GIVE_UP (100 * OAK_MILLISECOND)

/* backend.c: asks the slow service behind the gateway. 0 and *answer (free it), or negative errno. Blocks. */
int backend_ask(int question, char **answer);

/* The two ways to use it: leaky.c, repaired.c. */
int leaky_handler(oak_http_request *q, oak_http_response *p, void *arg);
int repaired_handler(oak_http_request *q, oak_http_response *p, void *arg);

/* admin.c: what the process says about itself. arg: the server. */
int admin_stats(oak_http_request *q, oak_http_response *p, void *arg);
int admin_report(oak_http_request *q, oak_http_response *p, void *arg);
int admin_leaks(oak_http_request *q, oak_http_response *p, void *arg);

#endif

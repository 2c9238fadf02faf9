/* Running another program as if it had been started in our place. */
#ifndef OAKUM_CLI_CHILD_H
#define OAKUM_CLI_CHILD_H

/* Call once before the first child_run: from here on signals wait for child_run to pass them on. */
void child_init(void);

struct child_end {
    int error;  /* not 0: it could not be started, an errno value */
    int status; /* its exit status */
    int signal; /* not 0: it was killed by this signal */
};

/*
 * Runs path (looked for in PATH when without a slash) with these arguments and environment, on our standard
 * streams, and waits for it. Signals that are sent to us are passed on; those that a terminal sends reach it
 * by themselves.
 */
struct child_end child_run(const char *path, char *const argv[], char *const envp[]);

#endif

// The process that holds a pod's namespaces: it sleeps, and reaps the orphans when it is the first process of a shared
// process namespace. SIGINT and SIGTERM end it.
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void leave(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void reap(int signal_number) {
  (void)signal_number;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
}

int main(void) {
  const struct sigaction leaving = {.sa_handler = leave};
  const struct sigaction reaping = {.sa_handler = reap, .sa_flags = SA_NOCLDSTOP};
  if (sigaction(SIGINT, &leaving, NULL) != 0 || sigaction(SIGTERM, &leaving, NULL) != 0 ||
      sigaction(SIGCHLD, &reaping, NULL) != 0) {
    return 1;
  }
  for (;;) {
    pause();
  }
}

/*
 * Both ends of what is measured, in one process: the upstream behind it (upstream.c), which serves as long as the process lives, and
 * the load generator before it (load.c), one run after the other.
 *
 * One process, because they may share a core with what is measured, and what it costs to take turns with them is then part of the
 * figure: between two threads it is less than between two processes. A virtual machine without page tables of its own in hardware
 * pays 4 us more for every switch as soon as more than two processes take turns.
 *
 * Prints `listening <port>`. A line on standard input is a run: the words of load.c with a tab between each two; it is answered by
 * a line on standard output, JSON when it was made, else why not. Ends when standard input ends.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include "ends.h"

enum { MAX_WORDS = 64 };

void say(const char *format, ...) {
  va_list values;
  va_start(values, format);
  vprintf(format, values);
  va_end(values);
  putchar('\n');
  fflush(stdout);
}

static void *run_line(void *line) {
  char *words[MAX_WORDS], *rest;
  int count = 0;
  for (char *word = strtok_r(line, "\t\n", &rest); word != NULL && count < MAX_WORDS; word = strtok_r(NULL, "\t\n", &rest)) words[count++] = word;
  if (count > 0) run_load(count, words);
  return NULL;
}

static void *read_lines(void *unused) {
  char *line = NULL;
  size_t capacity = 0;
  while (getline(&line, &capacity, stdin) > 0) {
    pthread_t run;
    if (pthread_create(&run, NULL, run_line, line) != 0) { perror("ends"); exit(1); }
    pthread_join(run, NULL);
  }
  exit(0);
}

int main(void) {
  struct rlimit files;
  pthread_t reader;
  prctl(PR_SET_PDEATHSIG, SIGTERM); /* a harness that was killed leaves nothing behind */
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (pthread_create(&reader, NULL, read_lines, NULL) != 0) { perror("ends"); return 1; }
  serve_upstream();
}

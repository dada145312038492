/* What the two ends of a measurement and the process they share know of each other: see ends.c. */

/* Serves until the process ends. */
void serve_upstream(void);
/* One run, in a thread of its own; what is wrong with the words is said. */
void run_load(int count, char **words);
/* A line on standard output, at once. */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/*
 * A load generator that costs next to nothing: one thread, epoll, HTTP/1.1 with keep-alive. The words of a run:
 *
 *   --port P --body FILE [--header 'name: value']... [--path /v1/chat/completions] [--events N] [--stream] [--keys FILE]
 *   --seconds S  (--connections C | --rate R | --hold C)  [--yielding]
 *
 * --connections  closed loop: each connection asks again as soon as it has been answered.
 * --rate         open loop: requests are due at a constant rate whatever the answers do, and their time counts from when they
 *                were due, so that a stall is seen by every request that it delays (no coordinated omission).
 * --hold         opens so many streams, prints `held`, and keeps them until a line comes on standard input.
 *
 * --yielding     load generator and upstream wait until what runs on their core has had its turn (SCHED_BATCH) and interrupt nothing:
 *                for what shares its core with them and is to be kept busy. It would delay single requests.
 *
 * --keys         a file with one key a line: each request sends the next one as its bearer token.
 *
 * An answer counts only when it is whole: status 200, its last byte arrived, the text of all `--events` events (1 for a JSON
 * answer) in it, and for a stream `[DONE]` at its end. After the time is over what runs is awaited. Prints one line of JSON.
 *
 * Every run is a thread of its own, and what it knows is the thread's: the next one begins with nothing.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include "calls.h"
#include "ends.h"

enum { MAX_CONNECTIONS = 20000, MAX_OPEN_LOOP = 4000, MAX_HEAD = 8192, READ_BYTES = 64 << 10, KEYED_BYTES = 4 << 10, KEPT_TAIL = 32, MAX_FAULT = 400 };
static const uint64_t SECOND = 1000000000u, DRAIN_NS = 15000000000u;
typedef enum { CONNECTING, IDLE, HEAD, BODY_LENGTH, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER } phase;
typedef struct {
  int fd;
  phase at;
  bool close_after, waiting_to_write, to_be_sent;
  uint64_t due_ns;
  const char *key;
  size_t written, head_length, left;
  int status;
  uint32_t events;
  char head[MAX_HEAD], tail[KEPT_TAIL];
  size_t tail_length;
  bool first_seen;
  size_t to_write;
} connection;
typedef struct { uint32_t *at; size_t length, capacity; } samples; /* tenths of a microsecond */

static _Thread_local struct {
  int port;
  const char *path, *body_file, *keys_file;
  double seconds, rate;
  int connections, hold;
  uint32_t events;
  bool stream, yielding;
} options = {.path = "/v1/chat/completions", .seconds = 1, .events = 1};
static _Thread_local char headers[4096], *request, fault[MAX_FAULT];
static _Thread_local size_t request_length, keys_count, next_key;
static _Thread_local char *keys_text, **keys;
static _Thread_local int poller, idle_count, to_send_count, opened, running, started;
static _Thread_local connection *all[MAX_CONNECTIONS], *idle[MAX_CONNECTIONS], *to_send[MAX_CONNECTIONS];
static _Thread_local uint64_t begun_ns, ends_ns, scheduled, completed, failed, events_seen, bytes_seen, reconnects;
static _Thread_local samples totals, firsts;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void die(const char *what) { perror(what); exit(1); }

static void sample(samples *s, uint64_t ns) {
  if (s->length == s->capacity && (s->at = realloc(s->at, sizeof *s->at * (s->capacity = s->capacity * 2 + 4096))) == NULL) die("load");
  s->at[s->length++] = (uint32_t)(ns / 100);
}

/* ---- connections ---- */

static void watch(connection *c, int operation, bool writing) {
  struct epoll_event e = {.events = EPOLLIN | (writing ? EPOLLOUT : 0), .data.ptr = c};
  c->waiting_to_write = writing;
  epoll_ctl(poller, operation, c->fd, &e);
}

static void dial(connection *c) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int yes = 1;
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("socket");
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) die("connect");
  watch(c, EPOLL_CTL_ADD, false);
}

static connection *open_connection(void) {
  connection *c = calloc(1, sizeof *c);
  if (c == NULL) die("load");
  c->at = IDLE;
  all[opened++] = c;
  dial(c);
  return c;
}

/* Written with the others' before the next wait. */
static void write_request(connection *c) {
  if (c->to_be_sent) return;
  c->to_be_sent = true;
  to_send[to_send_count++] = c;
}

/* With --keys a request begins with its own first line and key; that and what all have in common are put together in `own`. */
static socket_call rest_of_request(connection *c, char own[KEYED_BYTES]) {
  if (c->key == NULL) {
    c->to_write = request_length;
    return (socket_call){.fd = c->fd, .sends = true, .at = request + c->written, .length = request_length - c->written};
  }
  size_t length = (size_t)snprintf(own, KEYED_BYTES, "POST %s HTTP/1.1\r\nauthorization: Bearer %s\r\n", options.path, c->key);
  size_t common = c->written < length ? 0 : c->written - length, begun = c->written < length ? c->written : length;
  size_t room = KEYED_BYTES - length, more = request_length - common < room ? request_length - common : room;
  memcpy(own + length, request + common, more);
  c->to_write = length + request_length;
  return (socket_call){.fd = c->fd, .sends = true, .at = own + begun, .length = length - begun + more};
}

static void on_written(connection *c, ssize_t n) {
  c->to_be_sent = false;
  if (n < 0 && n != -EAGAIN && n != -ENOTCONN) return; /* the reader sees the end */
  if (n > 0) c->written += (size_t)n;
  bool whole = c->written == c->to_write;
  if (whole == c->waiting_to_write) watch(c, EPOLL_CTL_MOD, !whole);
}

static void write_requests(void) {
  static char own[MAX_CALLS][KEYED_BYTES];
  socket_call calls[MAX_CALLS];
  for (int from = 0, count; from < to_send_count; from += count) {
    count = to_send_count - from < MAX_CALLS ? to_send_count - from : MAX_CALLS;
    for (int i = 0; i < count; i++) calls[i] = rest_of_request(to_send[from + i], own[i]);
    make_calls(calls, (uint32_t)count);
    for (int i = 0; i < count; i++) on_written(to_send[from + i], calls[i].result);
  }
  to_send_count = 0;
}

static void start(connection *c, uint64_t due_ns) {
  c->at = HEAD;
  c->due_ns = due_ns;
  c->written = c->head_length = c->left = c->tail_length = 0;
  c->key = keys_count == 0 ? NULL : keys[next_key++ % keys_count];
  c->events = 0;
  c->status = 0;
  c->first_seen = c->close_after = false;
  running++;
  started++;
  write_request(c);
}

static void rest(connection *c, bool reconnect, uint64_t now) {
  c->at = IDLE;
  if (reconnect) {
    close(c->fd);
    reconnects++;
    dial(c);
  }
  if (options.rate > 0) idle[idle_count++] = c;
  if (options.rate == 0 && options.hold == 0 && now < ends_ns) start(c, now);
}

static void give_up(connection *c, const char *why) {
  failed++;
  running--;
  if (fault[0] == 0) snprintf(fault, sizeof fault, "%s, status %d, %u events", why, c->status, c->events);
  rest(c, true, now_ns());
}

static void finish(connection *c) {
  bool done = !options.stream || memmem(c->tail, c->tail_length, "data: [DONE]\n", 13) != NULL;
  if (c->status != 200) { give_up(c, "refused"); return; }
  if (c->events != options.events) { give_up(c, "events missing"); return; }
  if (!done) { give_up(c, "no [DONE]"); return; }
  uint64_t now = now_ns();
  completed++;
  running--;
  sample(&totals, now - c->due_ns);
  rest(c, c->close_after, now);
}

/* ---- reading ---- */

static const char PATTERN[] = "\"content\":\"word";
enum { PATTERN_BYTES = sizeof PATTERN - 1 };

static void count_events(connection *c, const char *at, size_t length) {
  for (const char *end = at + length; (at = memmem(at, (size_t)(end - at), PATTERN, PATTERN_BYTES)) != NULL; at += PATTERN_BYTES) {
    c->events++;
    events_seen++;
    if (c->first_seen) continue;
    c->first_seen = true;
    sample(&firsts, now_ns() - c->due_ns);
  }
}

/* The event whose text began in what was read before: both sides of the cut are too short to hold it alone. */
static void count_cut_event(connection *c, const char *at, size_t length) {
  char around[2 * PATTERN_BYTES];
  size_t before = c->tail_length < PATTERN_BYTES - 1 ? c->tail_length : PATTERN_BYTES - 1;
  size_t after = length < PATTERN_BYTES - 1 ? length : PATTERN_BYTES - 1;
  if (before == 0) return;
  memcpy(around, c->tail + c->tail_length - before, before);
  memcpy(around + before, at, after);
  count_events(c, around, before + after);
}

static void keep_tail(connection *c, const char *at, size_t length) {
  if (length >= KEPT_TAIL) { memcpy(c->tail, at + length - KEPT_TAIL, KEPT_TAIL); c->tail_length = KEPT_TAIL; return; }
  size_t kept = c->tail_length + length > KEPT_TAIL ? KEPT_TAIL - length : c->tail_length;
  memmove(c->tail, c->tail + c->tail_length - kept, kept);
  memcpy(c->tail + kept, at, length);
  c->tail_length = kept + length;
}

static void read_body(connection *c, const char *at, size_t length) {
  bytes_seen += length;
  if (c->status != 200 && fault[0] == 0) snprintf(fault, sizeof fault, "status %d: %.*s", c->status, length > 300 ? 300 : (int)length, at);
  count_cut_event(c, at, length);
  count_events(c, at, length);
  keep_tail(c, at, length);
}

static void read_head(connection *c) {
  bool chunked = false;
  c->status = atoi(c->head + 9);
  c->close_after = false;
  c->left = 0;
  for (char *line = strchr(c->head, '\n'); line != NULL; line = strchr(line, '\n')) {
    char first = (char)(*++line | 32);
    if (first == 'c' && !strncasecmp(line, "content-length:", 15)) c->left = strtoul(line + 15, NULL, 10);
    else if (first == 'c' && !strncasecmp(line, "connection:", 11)) c->close_after = !strncasecmp(line + 11 + strspn(line + 11, " "), "close", 5);
    else if (first == 't' && !strncasecmp(line, "transfer-encoding:", 18)) chunked = true;
  }
  c->at = chunked ? CHUNK_SIZE : BODY_LENGTH;
  c->head_length = 0;
  if (c->at == BODY_LENGTH && c->left == 0) finish(c);
}

/* Puts together in `head` what arrives of it; what is behind its end is left to the body. */
static void take_head(connection *c, const char **at, const char *end) {
  size_t known = c->head_length, room = MAX_HEAD - 1 - known, more = (size_t)(end - *at) < room ? (size_t)(end - *at) : room;
  size_t from = known < 3 ? 0 : known - 3;
  memcpy(c->head + known, *at, more);
  char *last = memmem(c->head + from, known + more - from, "\r\n\r\n", 4);
  c->head_length = last == NULL ? known + more : (size_t)(last + 4 - c->head);
  *at += c->head_length - known;
  if (last == NULL) return;
  c->head[c->head_length] = 0;
  read_head(c);
}

/* A line of the chunked coding, kept in `head`; true when it is whole. */
static bool take_line(connection *c, const char **at, const char *end) {
  while (*at < end && c->head_length < MAX_HEAD - 1) {
    char byte = *(*at)++;
    if (byte == '\n') { c->head[c->head_length] = 0; c->head_length = 0; return true; }
    c->head[c->head_length++] = byte;
  }
  return false;
}

/* False when the answer was refused as broken. `at` moves on; the answer's end stops it. */
static void take(connection *c, const char **at, const char *end) {
  size_t part;
  switch (c->at) {
    case HEAD:
      take_head(c, at, end);
      return;
    case BODY_LENGTH:
    case CHUNK_DATA:
      part = (size_t)(end - *at) < c->left ? (size_t)(end - *at) : c->left;
      read_body(c, *at, part);
      *at += part;
      c->left -= part;
      if (c->left > 0) return;
      if (c->at == BODY_LENGTH) finish(c);
      else c->at = CHUNK_END;
      return;
    case CHUNK_SIZE:
      if (!take_line(c, at, end)) return;
      c->left = strtoul(c->head, NULL, 16);
      c->at = c->left > 0 ? CHUNK_DATA : TRAILER;
      return;
    case CHUNK_END:
      if (take_line(c, at, end)) c->at = CHUNK_SIZE;
      return;
    case TRAILER:
      if (take_line(c, at, end) && c->head[0] == '\r') finish(c);
      return;
    default: /* bytes that nobody asked for */
      give_up(c, "an answer without a question");
      running++;
  }
}

static void on_read(connection *c, const char *chunk, ssize_t n) {
  if (n == -EAGAIN) return;
  if (n <= 0) {
    if (c->at != IDLE) { give_up(c, n == 0 ? "cut" : "connection lost"); return; }
    close(c->fd);
    reconnects++;
    dial(c);
    return;
  }
  const char *at = chunk, *end = chunk + n;
  for (uint64_t lost = reconnects; at < end && reconnects == lost;) {
    const char *before = at;
    take(c, &at, end);
    if (at == before && c->at != IDLE) give_up(c, "a line too long");
  }
}

/* ---- the run ---- */

static uint64_t due_at(uint64_t index) { return begun_ns + (uint64_t)((double)index * 1e9 / options.rate); }

/* Open loop: whatever is due goes out; when no connection is free and no more may be opened, it waits and its time runs. */
static void start_due(uint64_t now) {
  while (due_at(scheduled) <= now && due_at(scheduled) < ends_ns) {
    connection *c;
    if (idle_count > 0) c = idle[--idle_count];
    else if (opened < MAX_OPEN_LOOP) c = open_connection();
    else return;
    start(c, due_at(scheduled++));
  }
}

static struct timespec wait_until(uint64_t due_ns) {
  uint64_t now = now_ns(), left = due_ns > now ? due_ns - now : 0;
  return (struct timespec){.tv_sec = (time_t)(left / SECOND), .tv_nsec = (long)(left % SECOND)};
}

static void read_answers(connection **from, uint32_t count) {
  static char chunks[MAX_CALLS][READ_BYTES];
  socket_call calls[MAX_CALLS];
  for (uint32_t i = 0; i < count; i++) calls[i] = (socket_call){.fd = from[i]->fd, .at = chunks[i], .length = READ_BYTES};
  make_calls(calls, count);
  for (uint32_t i = 0; i < count; i++) on_read(from[i], chunks[i], calls[i].result);
}

/* True when the streams that are held may go. */
static bool poll_once(uint64_t until_ns) {
  struct epoll_event ready[MAX_CALLS];
  connection *readable[MAX_CALLS];
  uint32_t readable_count = 0;
  bool let_go = false;
  write_requests();
  struct timespec wait = wait_until(until_ns);
  int count = epoll_pwait2(poller, ready, MAX_CALLS, &wait, NULL);
  for (int i = 0; i < count; i++) {
    connection *c = ready[i].data.ptr;
    if (c == NULL) { let_go = true; continue; }
    if ((ready[i].events & EPOLLOUT) && c->waiting_to_write) write_request(c);
    if (ready[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable[readable_count++] = c;
  }
  read_answers(readable, readable_count);
  return let_go;
}

static void run(void) {
  begun_ns = now_ns();
  ends_ns = begun_ns + (uint64_t)(options.seconds * 1e9);
  for (int i = 0; i < options.connections; i++) start(open_connection(), now_ns());
  for (;;) {
    uint64_t now = now_ns();
    if (options.rate > 0) start_due(now);
    if (now >= ends_ns && (running == 0 || now >= ends_ns + DRAIN_NS)) return;
    uint64_t next = now < ends_ns ? ends_ns : ends_ns + DRAIN_NS;
    if (options.rate > 0 && due_at(scheduled) < ends_ns && due_at(scheduled) > now) next = due_at(scheduled);
    poll_once(next);
  }
}

/* What prevents it is said in place of `held`. */
static void hold(void) {
  struct epoll_event input = {.events = EPOLLIN | EPOLLHUP, .data.ptr = NULL};
  uint64_t late = now_ns() + DRAIN_NS;
  bool said = false;
  epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &input);
  for (int i = 0; i < options.hold; i++) start(open_connection(), now_ns());
  while (!poll_once(now_ns() + SECOND)) {
    if (failed > 0) { say("a stream ended: %s", fault); return; }
    if (!said && now_ns() > late) { say("%zu of %d streams have begun; %s", firsts.length, options.hold, fault); return; }
    if (said || firsts.length < (size_t)options.hold) continue;
    said = true;
    say("held");
  }
}

/* ---- input and output ---- */

static char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) die(path);
  fseek(file, 0, SEEK_END);
  *length = (size_t)ftell(file);
  rewind(file);
  char *bytes = malloc(*length + 1);
  if (bytes == NULL || fread(bytes, 1, *length, file) != *length) die(path);
  fclose(file);
  return bytes;
}

static void read_keys(void) {
  size_t length;
  keys_text = read_file(options.keys_file, &length);
  keys_text[length] = 0;
  char *rest, *line;
  for (line = strtok_r(keys_text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    if ((keys_count & (keys_count - 1)) == 0 && (keys = realloc(keys, sizeof *keys * (keys_count * 2 + 1))) == NULL) die("load");
    keys[keys_count++] = line;
  }
}

static void build_request(void) {
  size_t body_length, capacity = sizeof headers + 512;
  char *body = read_file(options.body_file, &body_length);
  request = malloc(capacity + body_length);
  if (request == NULL) die("load");
  int head = keys_count > 0 ? 0 : snprintf(request, capacity, "POST %s HTTP/1.1\r\n", options.path);
  head += snprintf(request + head, capacity - (size_t)head,
    "host: 127.0.0.1:%d\r\naccept: application/json\r\ncontent-type: application/json\r\nuser-agent: OpenAI/JS 7.55.0\r\n"
    "%scontent-length: %zu\r\n\r\n", options.port, headers, body_length);
  memcpy(request + head, body, body_length);
  free(body);
  request_length = (size_t)head + body_length;
}

static int ascending(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return a < b ? -1 : a > b;
}

static void print_samples(const char *name, samples *s) {
  double sum = 0;
  if (s->length > 0) qsort(s->at, s->length, sizeof *s->at, ascending);
  for (size_t i = 0; i < s->length; i++) sum += s->at[i];
#define QUANTILE(q) (s->length == 0 ? 0.0 : s->at[(size_t)((double)(s->length - 1) * (q))] / 10.0)
  printf(",\"%s\":{\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}", name,
    s->length == 0 ? 0.0 : sum / 10.0 / (double)s->length, QUANTILE(.5), QUANTILE(.9), QUANTILE(.99), QUANTILE(.999), QUANTILE(1));
}

static void print_text(const char *text) {
  putchar('"');
  for (; *text != 0; text++) {
    if (*text == '"' || *text == '\\') putchar('\\');
    putchar((unsigned char)*text < 32 ? ' ' : *text);
  }
  putchar('"');
}

static void print_result(void) {
  double seconds = (double)(now_ns() - begun_ns) / 1e9;
  printf("{\"seconds\":%.4f,\"started\":%d,\"completed\":%lu,\"failed\":%lu,\"unfinished\":%d,\"events\":%lu,\"bytes\":%lu,\"connections\":%d,\"reconnects\":%lu",
    seconds, started, completed, failed, running, events_seen, bytes_seen, opened, reconnects);
  print_samples("latency_us", &totals);
  print_samples("first_us", &firsts);
  printf(",\"fault\":");
  print_text(fault);
  say("}");
}

static bool parse_option(const char *name, const char *value) {
  if (!strcmp(name, "--port")) options.port = atoi(value);
  else if (!strcmp(name, "--path")) options.path = value;
  else if (!strcmp(name, "--body")) options.body_file = value;
  else if (!strcmp(name, "--keys")) options.keys_file = value;
  else if (!strcmp(name, "--seconds")) options.seconds = atof(value);
  else if (!strcmp(name, "--rate")) options.rate = atof(value);
  else if (!strcmp(name, "--connections")) options.connections = atoi(value);
  else if (!strcmp(name, "--hold")) options.hold = atoi(value);
  else if (!strcmp(name, "--events")) options.events = (uint32_t)atoi(value);
  else if (!strcmp(name, "--header")) {
    size_t length = strlen(headers);
    snprintf(headers + length, sizeof headers - length, "%s\r\n", value);
  } else return false;
  return true;
}

/* False, with the reason said, when the run cannot be made. */
static bool parse_options(int count, char **words) {
  for (int i = 0; i < count; i++) {
    if (!strcmp(words[i], "--stream")) options.stream = true;
    else if (!strcmp(words[i], "--yielding")) options.yielding = true;
    else if (i + 1 == count || !parse_option(words[i], words[i + 1])) { say("unknown option %s", words[i]); return false; }
    else i++;
  }
  int modes = (options.connections > 0) + (options.rate > 0) + (options.hold > 0);
  if (options.port > 0 && options.body_file != NULL && modes == 1 && options.connections <= MAX_CONNECTIONS && options.hold <= MAX_CONNECTIONS) return true;
  say("--port, --body and one of --connections, --rate, --hold are needed");
  return false;
}

/* For the thread that asks, and for the upstream, which is the process's first. */
static void schedule_as(int policy) {
  struct sched_param usual = {.sched_priority = 0};
  if (sched_setscheduler(0, policy, &usual) < 0 || sched_setscheduler(getpid(), policy, &usual) < 0) die("sched_setscheduler");
}

static void let_all_go(void) {
  for (int i = 0; i < opened; i++) { close(all[i]->fd); free(all[i]); }
  close(poller);
  free(request);
  free(keys);
  free(keys_text);
  free(totals.at);
  free(firsts.at);
}

void run_load(int count, char **words) {
  if (!parse_options(count, words)) return;
  open_ring();
  poller = epoll_create1(EPOLL_CLOEXEC);
  if (options.keys_file != NULL) read_keys();
  build_request();
  if (options.yielding) schedule_as(SCHED_BATCH);
  if (options.hold > 0) hold();
  else { run(); print_result(); }
  if (options.yielding) schedule_as(SCHED_OTHER);
  let_all_go();
}

/*
 * A provider that costs next to nothing: one thread, epoll, HTTP/1.1 with keep-alive. It answers
 *
 *   POST .../chat/completions                       as OpenAI,
 *   POST .../messages                               as Anthropic,
 *   POST .../models/<model>:[stream]generateContent as Gemini,
 *   GET  /stats                                     with what it has been asked.
 *
 * The model's name is the script: `b-<events>-<gap>` streams so many events, so many milliseconds apart (decimals allowed; 0:
 * all in one write), or answers 1 kB after that gap when no stream is asked for. What stands before the last '/' is ignored.
 * `e-<status>` refuses with that status.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include "calls.h"
#include "ends.h"

enum { MAX_REQUEST_BYTES = 64 << 20, MAX_EVENTS = 1000000, ANSWER_BYTES = 1024, WORD_COUNT = 8, MODEL_BYTES = 96, READ_BYTES = 64 << 10 };
typedef enum { OPENAI, ANTHROPIC, GEMINI } dialect;
typedef struct { char *at; size_t length, capacity; } buffer;
typedef struct {
  int fd, heap_at, send_at;
  bool writing, streaming, usage_asked;
  buffer in, out;
  size_t sent;
  dialect speaks;
  char model[MODEL_BYTES];
  uint32_t event, events;
  uint64_t gap_ns, due_ns;
} connection;

static const char *WORDS[WORD_COUNT] = {"word ", "words ", "wordy ", "worded ", "wording ", "wordless, ", "wordsmith ", "word. "};
static struct { uint64_t requests, finished, aborted, events, opened, closed; } stats;
static int poller;
static connection **heap;
static int heap_length, heap_capacity;
static connection **to_send;
static int to_send_count, to_send_capacity;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *grow(void *at, size_t bytes) {
  void *bigger = realloc(at, bytes);
  if (bigger == NULL) { perror("upstream"); exit(1); }
  return bigger;
}

static void append(buffer *b, const char *bytes, size_t length) {
  if (b->length + length > b->capacity) {
    b->capacity = (b->length + length) * 2;
    b->at = grow(b->at, b->capacity);
  }
  memcpy(b->at + b->length, bytes, length);
  b->length += length;
}

/* ---- who is due when: a binary heap ---- */

static void heap_put(int at, connection *c) { heap[at] = c; c->heap_at = at; }

static void heap_sift(int at) {
  connection *c = heap[at];
  while (at > 0 && heap[(at - 1) / 2]->due_ns > c->due_ns) { heap_put(at, heap[(at - 1) / 2]); at = (at - 1) / 2; }
  for (;;) {
    int child = 2 * at + 1;
    if (child >= heap_length) break;
    if (child + 1 < heap_length && heap[child + 1]->due_ns < heap[child]->due_ns) child++;
    if (heap[child]->due_ns >= c->due_ns) break;
    heap_put(at, heap[child]);
    at = child;
  }
  heap_put(at, c);
}

static void schedule(connection *c, uint64_t due_ns) {
  c->due_ns = due_ns;
  if (c->heap_at < 0) {
    if (heap_length == heap_capacity) heap = grow(heap, sizeof *heap * (heap_capacity = heap_capacity * 2 + 64));
    heap[heap_length] = c;
    c->heap_at = heap_length++;
  }
  heap_sift(c->heap_at);
}

static void unschedule(connection *c) {
  if (c->heap_at < 0) return;
  int at = c->heap_at;
  c->heap_at = -1;
  connection *last = heap[--heap_length];
  if (last == c) return;
  heap_put(at, last);
  heap_sift(at);
}

/* ---- what is said ---- */

/* One HTTP chunk per frame, as servers send them. */
static void frame(connection *c, const char *text, int length) {
  char head[16];
  append(&c->out, head, (size_t)snprintf(head, sizeof head, "%x\r\n", length));
  append(&c->out, text, (size_t)length);
  append(&c->out, "\r\n", 2);
}

static void openai_chunk(connection *c, const char *delta, const char *finish) {
  char text[1024];
  frame(c, text, snprintf(text, sizeof text,
    "data: {\"id\":\"chatcmpl-BenchmarkBenchmark012345\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"%s\","
    "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\",\"choices\":[{\"index\":0,\"delta\":%s,\"logprobs\":null,"
    "\"finish_reason\":%s}]}\n\n", c->model, delta, finish));
}

static void start_frames(connection *c) {
  char text[1024];
  if (c->speaks == OPENAI) openai_chunk(c, "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "null");
  if (c->speaks != ANTHROPIC) return;
  frame(c, text, snprintf(text, sizeof text,
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_01Benchmark\",\"type\":\"message\",\"role\":\"assistant\","
    "\"model\":\"%s\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":42,\"output_tokens\":1}}}\n\n", c->model));
  frame(c, text, snprintf(text, sizeof text, "event: content_block_start\ndata: "
    "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"));
}

static void event_frame(connection *c) {
  char text[1024];
  const char *word = WORDS[c->event % WORD_COUNT];
  stats.events++;
  if (c->speaks == OPENAI) {
    char delta[64];
    snprintf(delta, sizeof delta, "{\"content\":\"%s\"}", word);
    openai_chunk(c, delta, "null");
  } else if (c->speaks == ANTHROPIC) {
    frame(c, text, snprintf(text, sizeof text, "event: content_block_delta\ndata: "
      "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"%s\"}}\n\n", word));
  } else {
    frame(c, text, snprintf(text, sizeof text,
      "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"%s\"}],\"role\": \"model\"}%s,\"index\": 0}],\"usageMetadata\": "
      "{\"promptTokenCount\": 42,\"candidatesTokenCount\": %u,\"totalTokenCount\": %u},\"modelVersion\": \"%s\",\"responseId\": \"bench\"}\r\n\r\n",
      word, c->event + 1 == c->events ? ",\"finishReason\": \"STOP\"" : "", c->event + 1, c->event + 43, c->model));
  }
}

static void end_frames(connection *c) {
  char text[1024];
  if (c->speaks == OPENAI) {
    openai_chunk(c, "{}", "\"stop\"");
    if (c->usage_asked)
      frame(c, text, snprintf(text, sizeof text,
        "data: {\"id\":\"chatcmpl-BenchmarkBenchmark012345\",\"object\":\"chat.completion.chunk\",\"created\":1790000000,\"model\":\"%s\",\"choices\":[],"
        "\"usage\":{\"prompt_tokens\":42,\"completion_tokens\":%u,\"total_tokens\":%u}}\n\n", c->model, c->events, c->events + 42));
    frame(c, "data: [DONE]\n\n", 14);
  }
  if (c->speaks == ANTHROPIC) {
    frame(c, text, snprintf(text, sizeof text, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"));
    frame(c, text, snprintf(text, sizeof text, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\","
      "\"stop_sequence\":null},\"usage\":{\"output_tokens\":%u}}\n\n", c->events));
    frame(c, text, snprintf(text, sizeof text, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"));
  }
  append(&c->out, "0\r\n\r\n", 5);
}

static void json_answer(connection *c, const char *body, int length) {
  char head[160];
  append(&c->out, head, (size_t)snprintf(head, sizeof head,
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_benchmark\r\ncontent-length: %d\r\n\r\n", length));
  append(&c->out, body, (size_t)length);
}

/* 1 kB, whatever the dialect: the text fills what the envelope leaves. Kept for the next one who asks for the same. */
static void whole_answer(connection *c) {
  static buffer last;
  static char last_model[MODEL_BYTES];
  static dialect last_spoken;
  if (last.length > 0 && last_spoken == c->speaks && !strcmp(last_model, c->model)) { append(&c->out, last.at, last.length); return; }
  static const char *const HEADS[] = {
    [OPENAI] = "{\"id\":\"chatcmpl-BenchmarkBenchmark012345\",\"object\":\"chat.completion\",\"created\":1790000000,\"model\":\"%s\",\"choices\":[{\"index\":0,"
      "\"message\":{\"role\":\"assistant\",\"content\":\"word ",
    [ANTHROPIC] = "{\"id\":\"msg_01Benchmark\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"%s\",\"content\":[{\"type\":\"text\",\"text\":\"word ",
    [GEMINI] = "{\"modelVersion\": \"%s\",\"responseId\": \"bench\",\"candidates\": [{\"content\": {\"role\": \"model\",\"parts\": [{\"text\": \"word "};
  static const char *const TAILS[] = {
    [OPENAI] = "\",\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":42,\"completion_tokens\":128,"
      "\"total_tokens\":170},\"service_tier\":\"default\",\"system_fingerprint\":\"fp_0123456789\"}",
    [ANTHROPIC] = "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":42,\"output_tokens\":128}}",
    [GEMINI] = "\"}]},\"finishReason\": \"STOP\",\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 42,\"candidatesTokenCount\": 128,\"totalTokenCount\": 170}}"};
  char body[ANSWER_BYTES + 1];
  int length = snprintf(body, sizeof body, HEADS[c->speaks], c->model);
  int tail = (int)strlen(TAILS[c->speaks]);
  while (length + tail + 5 <= ANSWER_BYTES) { memcpy(body + length, "text ", 5); length += 5; }
  memcpy(body + length, TAILS[c->speaks], (size_t)tail);
  size_t before = c->out.length;
  json_answer(c, body, length + tail);
  last.length = 0;
  append(&last, c->out.at + before, c->out.length - before);
  strcpy(last_model, c->model);
  last_spoken = c->speaks;
}

/* ---- connections ---- */

static void watch(connection *c, bool writing) {
  struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | (writing ? EPOLLOUT : 0), .data.ptr = c};
  c->writing = writing;
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

static void hang_up(connection *c) {
  if (c->streaming || c->heap_at >= 0) stats.aborted++;
  stats.closed++;
  unschedule(c);
  if (c->send_at >= 0) to_send[c->send_at] = NULL;
  close(c->fd);
  free(c->in.at);
  free(c->out.at);
  free(c);
}

/* Sent with the others' before the next wait. */
static void flush(connection *c) {
  if (c->send_at >= 0) return;
  if (to_send_count == to_send_capacity) to_send = grow(to_send, sizeof *to_send * (size_t)(to_send_capacity = to_send_capacity * 2 + 64));
  to_send[to_send_count] = c;
  c->send_at = to_send_count++;
}

static void on_sent(connection *c, ssize_t n) {
  c->send_at = -1;
  if (n < 0 && n != -EAGAIN) { hang_up(c); return; }
  if (n > 0) c->sent += (size_t)n;
  bool all = c->sent == c->out.length;
  if (all) c->sent = c->out.length = 0;
  if (all == c->writing) watch(c, !all);
}

static void send_all(void) {
  socket_call calls[MAX_CALLS];
  connection *of[MAX_CALLS];
  for (int from = 0; from < to_send_count;) {
    uint32_t count = 0;
    for (; from < to_send_count && count < MAX_CALLS; from++) {
      connection *c = to_send[from];
      if (c == NULL) continue;
      of[count] = c;
      calls[count++] = (socket_call){.fd = c->fd, .sends = true, .at = c->out.at + c->sent, .length = c->out.length - c->sent};
    }
    make_calls(calls, count);
    for (uint32_t i = 0; i < count; i++) on_sent(of[i], calls[i].result);
  }
  to_send_count = 0;
}

/* What is due now, and when the next is. Paces are absolute: a late event does not delay those after it. */
static void advance(connection *c, uint64_t now) {
  if (!c->streaming) {
    unschedule(c);
    whole_answer(c);
    stats.finished++;
    flush(c);
    return;
  }
  while (c->event < c->events && (c->gap_ns == 0 || c->due_ns <= now)) { event_frame(c); c->event++; c->due_ns += c->gap_ns; }
  if (c->event < c->events) { schedule(c, c->due_ns); flush(c); return; }
  end_frames(c);
  unschedule(c);
  c->streaming = false;
  stats.finished++;
  flush(c);
}

static bool read_script(const char *script, unsigned long *events, double *gap_ms) {
  char *end, *gap_end;
  if (strncmp(script, "b-", 2) != 0) return false;
  *events = strtoul(script + 2, &end, 10);
  if (end == script + 2 || *end != '-') return false;
  *gap_ms = strtod(end + 1, &gap_end);
  return gap_end > end + 1;
}

static void begin(connection *c, bool stream) {
  const char *slash = strrchr(c->model, '/'), *script = slash == NULL ? c->model : slash + 1;
  double gap_ms = 0;
  unsigned long events = 0;
  unsigned status = 0;
  if (!strncmp(script, "e-", 2) && sscanf(script, "e-%u", &status) == 1) {
    static const char said[] = "{\"error\":{\"message\":\"The server had an error.\",\"type\":\"server_error\",\"param\":null,\"code\":null}}";
    char refusal[256];
    append(&c->out, refusal, (size_t)snprintf(refusal, sizeof refusal,
      "HTTP/1.1 %u Refused\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", status, sizeof said - 1, said));
    stats.finished++;
    flush(c);
    return;
  }
  if (!read_script(script, &events, &gap_ms) || events > MAX_EVENTS) {
    static const char fault[] = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    append(&c->out, fault, sizeof fault - 1);
    flush(c);
    return;
  }
  uint64_t now = now_ns();
  c->streaming = stream;
  c->event = 0;
  c->events = (uint32_t)events;
  c->gap_ns = (uint64_t)(gap_ms * 1e6);
  if (stream) {
    static const char head[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\nx-request-id: req_benchmark\r\n"
      "transfer-encoding: chunked\r\n\r\n";
    append(&c->out, head, sizeof head - 1);
    start_frames(c);
    c->due_ns = now;
    advance(c, now);
  } else if (c->gap_ns == 0) advance(c, now);
  else schedule(c, now + c->gap_ns);
}

static void answer_stats(connection *c) {
  char body[256];
  json_answer(c, body, snprintf(body, sizeof body,
    "{\"requests\":%lu,\"finished\":%lu,\"aborted\":%lu,\"events\":%lu,\"opened\":%lu,\"open\":%lu}", stats.requests, stats.finished, stats.aborted,
    stats.events, stats.opened, stats.opened - stats.closed));
  flush(c);
}

static bool contains(const char *at, size_t length, const char *text) { return memmem(at, length, text, strlen(text)) != NULL; }

/* The model's name, from the path (Gemini) or the body. */
static void read_model(connection *c, const char *head, size_t head_length, const char *body, size_t body_length) {
  const char *at = c->speaks == GEMINI ? memmem(head, head_length, "/models/", 8) : memmem(body, body_length, "\"model\"", 7);
  size_t length = 0;
  c->model[0] = 0;
  if (at == NULL) return;
  at += c->speaks == GEMINI ? 8 : 7;
  if (c->speaks != GEMINI) at += strspn(at, ": \"");
  length = strcspn(at, c->speaks == GEMINI ? ": " : "\"");
  if (length >= MODEL_BYTES) length = MODEL_BYTES - 1;
  memcpy(c->model, at, length);
  c->model[length] = 0;
}

static void handle(connection *c, size_t head_length, size_t body_length) {
  const char *head = c->in.at, *body = head + head_length;
  if (!strncmp(head, "GET /stats", 10)) { answer_stats(c); return; }
  const char *line_end = memchr(head, '\r', head_length);
  size_t line = (size_t)(line_end - head);
  stats.requests++;
  c->speaks = contains(head, line, "enerateContent") ? GEMINI : contains(head, line, "/messages") ? ANTHROPIC : OPENAI;
  c->usage_asked = contains(body, body_length, "\"include_usage\":true");
  read_model(c, head, line, body, body_length);
  bool stream = c->speaks == GEMINI ? contains(head, line, ":streamGenerate") : contains(body, body_length, "\"stream\":true");
  begin(c, stream);
}

static ssize_t body_bytes(char *head, size_t length) {
  for (char *line = memchr(head, '\n', length); line != NULL && line + 1 < head + length; line = memchr(line + 1, '\n', length - (size_t)(line + 1 - head))) {
    char first = (char)(line[1] | 32);
    if (first == 'c' && !strncasecmp(line + 1, "content-length:", 15)) return strtol(line + 16, NULL, 10);
    if (first == 't' && !strncasecmp(line + 1, "transfer-encoding:", 18)) return -1;
  }
  return 0;
}

/* One request at a time: what is pipelined behind it waits in the buffer until it has been answered. */
static void take_requests(connection *c) {
  while (!c->streaming && c->heap_at < 0 && c->in.length > 0) {
    char *end = memmem(c->in.at, c->in.length, "\r\n\r\n", 4);
    if (end == NULL) return;
    size_t head = (size_t)(end + 4 - c->in.at);
    ssize_t body = body_bytes(c->in.at, head);
    if (body < 0 || body > MAX_REQUEST_BYTES) {
      static const char fault[] = "HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
      send(c->fd, fault, sizeof fault - 1, MSG_NOSIGNAL);
      hang_up(c);
      return;
    }
    size_t whole = head + (size_t)body;
    if (c->in.length < whole) return;
    char kept = 0;
    append(&c->in, &kept, 1); /* a terminator for the string functions */
    c->in.length--;
    handle(c, head, (size_t)body);
    memmove(c->in.at, c->in.at + whole, c->in.length - whole);
    c->in.length -= whole;
  }
}

static void read_requests(connection **from, uint32_t count) {
  static char chunks[MAX_CALLS][READ_BYTES];
  socket_call calls[MAX_CALLS];
  for (uint32_t i = 0; i < count; i++) calls[i] = (socket_call){.fd = from[i]->fd, .at = chunks[i], .length = READ_BYTES};
  make_calls(calls, count);
  for (uint32_t i = 0; i < count; i++) {
    if (calls[i].result == -EAGAIN) continue;
    if (calls[i].result <= 0) { hang_up(from[i]); continue; }
    append(&from[i]->in, chunks[i], (size_t)calls[i].result);
    take_requests(from[i]);
  }
}

static void on_connection(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), yes = 1;
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    connection *c = grow(NULL, sizeof *c);
    *c = (connection){.fd = fd, .heap_at = -1, .send_at = -1};
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
    stats.opened++;
  }
}

static int listen_anywhere(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, 8192) < 0) { perror("upstream"); exit(1); }
  getsockname(fd, (struct sockaddr *)&address, &length);
  say("listening %u", ntohs(address.sin_port));
  return fd;
}

static struct timespec *until_next(struct timespec *wait) {
  if (heap_length == 0) return NULL;
  uint64_t now = now_ns(), due = heap[0]->due_ns, left = due > now ? due - now : 0;
  *wait = (struct timespec){.tv_sec = (time_t)(left / 1000000000u), .tv_nsec = (long)(left % 1000000000u)};
  return wait;
}

void serve_upstream(void) {
  poller = epoll_create1(EPOLL_CLOEXEC);
  int listener = listen_anywhere();
  open_ring();
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL}, ready[MAX_CALLS];
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
  for (;;) {
    struct timespec wait;
    connection *readable[MAX_CALLS];
    uint32_t readable_count = 0;
    send_all();
    int count = epoll_pwait2(poller, ready, MAX_CALLS, until_next(&wait), NULL);
    for (int i = 0; i < count; i++) {
      connection *c = ready[i].data.ptr;
      if (c == NULL) on_connection(listener);
      else if (ready[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hang_up(c);
      else {
        if (ready[i].events & EPOLLOUT) flush(c);
        if (ready[i].events & EPOLLIN) readable[readable_count++] = c;
      }
    }
    read_requests(readable, readable_count);
    for (uint64_t now = now_ns(); heap_length > 0 && heap[0]->due_ns <= now;) {
      connection *c = heap[0];
      advance(c, now);
      take_requests(c);
    }
  }
}

/*
 * Many reads and writes of sockets by one system call, where the kernel allows it (io_uring, Linux 5.6 and later; containers often
 * forbid it), else one after another. On a virtual machine that pays a microsecond for each they were most of what load generator
 * and upstream used, and with two workers both take it from what is measured.
 *
 * Every file that includes this has a ring of its own, for one thread at a time.
 *
 * No call waits: what would have to is answered with -EAGAIN, so that nothing is under way when `make_calls` returns.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_CALLS = 64 };
/* `result`: bytes, or the error's number below zero. */
typedef struct { int fd; bool sends; void *at; size_t length; ssize_t result; } socket_call;

static struct {
  int fd;
  struct io_uring_sqe *entries;
  struct io_uring_cqe *results;
  _Atomic uint32_t *tail, *results_head, *results_tail;
  uint32_t mask, results_mask;
} ring = {.fd = -1};

/* Once; leaves `ring.fd` at -1 when there is none to be had. */
static void open_ring(void) {
  if (ring.fd >= 0) return;
  struct io_uring_params p = {.flags = 0};
  int fd = (int)syscall(SYS_io_uring_setup, MAX_CALLS, &p);
  if (fd < 0) return;
  size_t queues = p.sq_off.array + p.sq_entries * sizeof(uint32_t), answers = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
  char *at = mmap(NULL, queues > answers ? queues : answers, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
  void *entries = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
  if (!(p.features & IORING_FEAT_SINGLE_MMAP) || at == MAP_FAILED || entries == MAP_FAILED) { close(fd); return; }
  ring.fd = fd;
  ring.entries = entries;
  ring.results = (struct io_uring_cqe *)(at + p.cq_off.cqes);
  ring.tail = (_Atomic uint32_t *)(at + p.sq_off.tail);
  ring.results_head = (_Atomic uint32_t *)(at + p.cq_off.head);
  ring.results_tail = (_Atomic uint32_t *)(at + p.cq_off.tail);
  ring.mask = p.sq_entries - 1;
  ring.results_mask = p.cq_entries - 1;
  for (uint32_t i = 0; i < p.sq_entries; i++) ((uint32_t *)(at + p.sq_off.array))[i] = i;
}

static void make_call(socket_call *call) {
  ssize_t n = call->sends ? send(call->fd, call->at, call->length, MSG_NOSIGNAL | MSG_DONTWAIT) : recv(call->fd, call->at, call->length, MSG_DONTWAIT);
  call->result = n < 0 ? -errno : n;
}

static void make_calls(socket_call *calls, uint32_t count) {
  if (ring.fd < 0 || count == 1) {
    for (uint32_t i = 0; i < count; i++) make_call(&calls[i]);
    return;
  }
  uint32_t tail = atomic_load_explicit(ring.tail, memory_order_relaxed);
  for (uint32_t i = 0; i < count; i++) {
    struct io_uring_sqe *entry = &ring.entries[(tail + i) & ring.mask];
    memset(entry, 0, sizeof *entry);
    entry->opcode = calls[i].sends ? IORING_OP_SEND : IORING_OP_RECV;
    entry->fd = calls[i].fd;
    entry->addr = (uintptr_t)calls[i].at;
    entry->len = (uint32_t)calls[i].length;
    entry->msg_flags = MSG_NOSIGNAL | MSG_DONTWAIT;
    entry->user_data = i;
  }
  atomic_store_explicit(ring.tail, tail + count, memory_order_release);
  for (uint32_t made = 0, given = 0; made < count;) {
    long taken = syscall(SYS_io_uring_enter, ring.fd, count - given, count - made, IORING_ENTER_GETEVENTS, NULL, 0);
    if (taken < 0 && errno != EINTR) { perror("io_uring_enter"); exit(1); }
    if (taken > 0) given += (uint32_t)taken;
    uint32_t head = atomic_load_explicit(ring.results_head, memory_order_relaxed);
    for (uint32_t end = atomic_load_explicit(ring.results_tail, memory_order_acquire); head != end; head++, made++) {
      struct io_uring_cqe *result = &ring.results[head & ring.results_mask];
      calls[result->user_data].result = result->res;
    }
    atomic_store_explicit(ring.results_head, head, memory_order_release);
  }
}

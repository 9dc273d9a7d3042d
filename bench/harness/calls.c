/* Counts what a process asks of the C library: syncs, and memory. Preloaded by `harness.alone`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_long syncs, allocations;

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

long calls_syncs(void) { return atomic_load(&syncs); }
long calls_allocations(void) { return atomic_load(&allocations); }

void *malloc(size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(old, size);
}

int fsync(int file) {
    atomic_fetch_add(&syncs, 1);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file) {
    atomic_fetch_add(&syncs, 1);
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}

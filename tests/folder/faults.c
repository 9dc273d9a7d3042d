/* Loaded before the C library (LD_PRELOAD): the n-th call that has to do with a folder fails, or
   kills the process; or all from the n-th on fail. Calls that only read are left alone; so are other
   files. And the clock goes wrong by as much as one likes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char folder[PATH_MAX];
static volatile int calls, at, until, action;
static volatile time_t wrong_by;

/* A negative n is for the n-th call and all that come after it. */
void fault_arm(const char *path, int n, int what) {
    strncpy(folder, path, PATH_MAX - 1);
    calls = 0;
    at = n < 0 ? -n : n;
    until = n < 0 ? INT_MAX : n;
    action = what;
}

void fault_clock(long seconds) { wrong_by = seconds; }

int fault_disarm(void) {
    folder[0] = 0;
    return calls;
}

static int in_folder(const char *path) {
    return folder[0] && strncmp(path, folder, strlen(folder)) == 0;
}

static int of_descriptor(int fd) {
    char link[64], path[PATH_MAX];
    if (!folder[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return in_folder(path);
}

static int at_descriptor(int fd, const char *path) {
    return path[0] == '/' || fd == AT_FDCWD ? in_folder(path) : of_descriptor(fd);
}

/* Return whether the call is to fail. */
static int hit(int concerned) {
    if (!concerned) return 0;
    int now = __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);
    if (now < at || now > until) return 0;
    if (action < 0) {
        kill(getpid(), SIGKILL);
        for (;;) pause();
    }
    errno = action;
    return 1;
}

#define REAL(name, ...) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))(__VA_ARGS__)

#define WRAP_OPEN(name)                                                      \
    int name(const char *path, int flags, ...) {                             \
        va_list rest;                                                        \
        va_start(rest, flags);                                               \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                        \
        if (hit(flags & (O_WRONLY | O_RDWR | O_CREAT) && in_folder(path))) return -1; \
        return REAL(name, path, flags, mode);                                \
    }
WRAP_OPEN(open)
WRAP_OPEN(open64)

#define WRAP_OPENAT(name)                                                    \
    int name(int fd, const char *path, int flags, ...) {                     \
        va_list rest;                                                        \
        va_start(rest, flags);                                               \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                        \
        if (hit(flags & (O_WRONLY | O_RDWR | O_CREAT) && at_descriptor(fd, path))) return -1; \
        return REAL(name, fd, path, flags, mode);                            \
    }
WRAP_OPENAT(openat)
WRAP_OPENAT(openat64)

#define WRAP(type, name, parameters, arguments, concerned)                   \
    type name parameters {                                                   \
        if (hit(concerned)) return -1;                                       \
        return ((__typeof__(name) *)dlsym(RTLD_NEXT, #name)) arguments;      \
    }
WRAP(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n), of_descriptor(fd))
WRAP(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), of_descriptor(fd))
WRAP(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), of_descriptor(fd))
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), of_descriptor(fd))
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n), of_descriptor(fd))
WRAP(int, fsync, (int fd), (fd), of_descriptor(fd))
WRAP(int, fdatasync, (int fd), (fd), of_descriptor(fd))
WRAP(int, mkdir, (const char *p, mode_t m), (p, m), in_folder(p))
WRAP(int, rmdir, (const char *p), (p), in_folder(p))
WRAP(int, unlink, (const char *p), (p), in_folder(p))
WRAP(int, unlinkat, (int fd, const char *p, int f), (fd, p, f), at_descriptor(fd, p))
WRAP(int, rename, (const char *a, const char *b), (a, b), in_folder(a))
WRAP(int, renameat, (int f, const char *a, int g, const char *b), (f, a, g, b), at_descriptor(f, a))
WRAP(int, link, (const char *a, const char *b), (a, b), in_folder(b))
WRAP(int, linkat, (int f, const char *a, int g, const char *b, int s), (f, a, g, b, s), at_descriptor(g, b))

int clock_gettime(clockid_t which, struct timespec *now) {
    int code = REAL(clock_gettime, which, now);
    if (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE) now->tv_sec += wrong_by;
    return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    int code = REAL(gettimeofday, now, zone);
    now->tv_sec += wrong_by;
    return code;
}

time_t time(time_t *now) {
    time_t seconds = REAL(time, NULL) + wrong_by;
    if (now) *now = seconds;
    return seconds;
}

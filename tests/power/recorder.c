/* Loaded before the C library (LD_PRELOAD): writes down every call that changes what is in a
   directory, in order and with its data: what kind it is, the lengths of its two paths, an offset,
   the length of its data, then these. A path is that which a file has when the call is made. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static int log_fd = -1;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name, ...) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))(__VA_ARGS__)

static void put(const void *data, size_t length) {
    for (const char *at = data; length;) {
        ssize_t done = REAL(write, log_fd, at, length);
        if (done < 0) abort();
        at += done;
        length -= done;
    }
}

static void note(char kind, const char *path, const char *other, int64_t offset,
                 const void *data, size_t length) {
    int64_t head[5] = {kind, strlen(path), strlen(other), offset, length};
    put(head, sizeof head);
    put(path, head[1]);
    put(other, head[2]);
    put(data, length);
}

void record_start(const char *directory, const char *log) {
    log_fd = REAL(open64, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    strncpy(root, directory, PATH_MAX - 1);
}

void record_stop(void) {
    root[0] = 0;
    close(log_fd);
}

/* Whoever asked for the operation has been told that it is done. */
void record_acknowledged(void) { note('a', "", "", 0, "", 0); }

static int is_watched(const char *path) {
    size_t length = strlen(root);
    return length && strncmp(path, root, length) == 0 && (path[length] == '/' || !path[length]);
}

/* Put the path of a descriptor into a buffer; return whether it is watched and still there. */
static int path_of(int fd, char *path) {
    char link[64];
    if (!root[0]) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_watched(path) && !strstr(path, " (deleted)");
}

static int path_at(int fd, const char *name, char *path) {
    if (!root[0]) return 0;
    if (name[0] == '/' || fd == AT_FDCWD) {
        strncpy(path, name, PATH_MAX - 1);
        return is_watched(name);
    }
    if (!path_of(fd, path)) return 0;
    size_t length = strlen(path);
    snprintf(path + length, PATH_MAX - length, "/%s", name);
    return 1;
}

static int opened(int fd, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    struct stat before;
    if (!(flags & (O_CREAT | O_TRUNC)) || !path_at(fd, name, path))
        return REAL(openat64, fd, name, flags, mode);
    pthread_mutex_lock(&turn);
    int is_new = lstat(path, &before) != 0;
    int got = REAL(openat64, fd, name, flags, mode);
    int why = errno;
    if (got >= 0 && is_new) note('c', path, "", 0, "", 0);
    else if (got >= 0 && flags & O_TRUNC) note('t', path, "", 0, "", 0);
    pthread_mutex_unlock(&turn);
    errno = why;
    return got;
}

#define MODE(flags)                                                             \
    va_list rest;                                                               \
    va_start(rest, flags);                                                      \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;     \
    va_end(rest);
int open(const char *name, int flags, ...) { MODE(flags) return opened(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return opened(AT_FDCWD, name, flags, mode); }
int openat(int fd, const char *name, int flags, ...) { MODE(flags) return opened(fd, name, flags, mode); }
int openat64(int fd, const char *name, int flags, ...) { MODE(flags) return opened(fd, name, flags, mode); }

/* A call that is noted when it succeeded; `found` fills the paths and says whether it is watched. */
#define WRAP(type, name, parameters, arguments, found, noted)                   \
    type name parameters {                                                      \
        char path[PATH_MAX], other[PATH_MAX];                                   \
        path[0] = other[0] = 0;                                                 \
        if (!(found)) return ((__typeof__(name) *)dlsym(RTLD_NEXT, #name)) arguments; \
        pthread_mutex_lock(&turn);                                              \
        type done = ((__typeof__(name) *)dlsym(RTLD_NEXT, #name)) arguments;    \
        int why = errno;                                                        \
        if (done >= 0) noted;                                                   \
        pthread_mutex_unlock(&turn);                                            \
        errno = why;                                                            \
        return done;                                                            \
    }
#define SIMPLY(kind) note(kind, path, other, 0, "", 0)
WRAP(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n), path_of(fd, path),
     note('w', path, other, lseek64(fd, 0, SEEK_CUR) - done, b, done))
WRAP(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), path_of(fd, path),
     note('w', path, other, o, b, done))
WRAP(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), path_of(fd, path),
     note('w', path, other, o, b, done))
WRAP(int, ftruncate, (int fd, off_t n), (fd, n), path_of(fd, path), note('t', path, other, n, "", 0))
WRAP(int, ftruncate64, (int fd, off64_t n), (fd, n), path_of(fd, path), note('t', path, other, n, "", 0))
WRAP(int, fsync, (int fd), (fd), path_of(fd, path), SIMPLY('s'))
WRAP(int, fdatasync, (int fd), (fd), path_of(fd, path), SIMPLY('s'))
WRAP(int, mkdir, (const char *p, mode_t m), (p, m), path_at(AT_FDCWD, p, path), SIMPLY('m'))
WRAP(int, rmdir, (const char *p), (p), path_at(AT_FDCWD, p, path), SIMPLY('u'))
WRAP(int, unlink, (const char *p), (p), path_at(AT_FDCWD, p, path), SIMPLY('u'))
WRAP(int, unlinkat, (int fd, const char *p, int f), (fd, p, f), path_at(fd, p, path), SIMPLY('u'))
WRAP(int, rename, (const char *a, const char *b), (a, b),
     path_at(AT_FDCWD, a, path) && path_at(AT_FDCWD, b, other), SIMPLY('r'))
WRAP(int, renameat, (int f, const char *a, int g, const char *b), (f, a, g, b),
     path_at(f, a, path) && path_at(g, b, other), SIMPLY('r'))
WRAP(int, link, (const char *a, const char *b), (a, b),
     path_at(AT_FDCWD, a, path) && path_at(AT_FDCWD, b, other), SIMPLY('l'))
WRAP(int, linkat, (int f, const char *a, int g, const char *b, int s), (f, a, g, b, s),
     path_at(f, a, path) && path_at(g, b, other), SIMPLY('l'))

ssize_t sendfile64(int to, int from, off64_t *offset, size_t count) {
    char path[PATH_MAX];
    if (!path_of(to, path)) return REAL(sendfile64, to, from, offset, count);
    pthread_mutex_lock(&turn);
    off64_t at = lseek64(to, 0, SEEK_CUR), source = offset ? *offset : lseek64(from, 0, SEEK_CUR);
    ssize_t done = REAL(sendfile64, to, from, offset, count);
    int why = errno;
    char *data = done > 0 ? malloc(done) : NULL;
    if (data && pread64(from, data, done, source) == done) note('w', path, "", at, data, done);
    free(data);
    pthread_mutex_unlock(&turn);
    errno = why;
    return done;
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
    char path[PATH_MAX];
    if (!path_of(fd, path)) return REAL(writev, fd, pieces, count);
    ssize_t done = 0;
    for (int at = 0; at < count; at++) {
        ssize_t more = write(fd, pieces[at].iov_base, pieces[at].iov_len);
        if (more < 0) return done ? done : more;
        done += more;
        if ((size_t)more < pieces[at].iov_len) break;
    }
    return done;
}

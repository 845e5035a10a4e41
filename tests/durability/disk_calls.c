/* Preloaded into a process (LD_PRELOAD): records each call that changes files below
 * one folder, whoever makes it (Python, Arrow, Delta, DuckDB, SQLite), and, if told so,
 * kills the process with SIGKILL right after the N-th.
 *
 * Nothing is looked at until `watch_calls` has been called, which says
 *
 * folder   below which calls are recorded
 * log      the file that the records are appended to, see disk_calls.py for the form
 * fatal    the number of the call to die after, from 1; 0: never
 * kind     count only calls of this kind; -1: of any
 * pattern  count only calls on paths like this (fnmatch, from `folder`); null: on any
 * is_torn  whether, if that call is a write, only half of it is done
 * has_data whether records hold what was written
 *
 * One lock around call and record makes the order of the records that of the calls. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { CREATE, WRITE, TRUNCATE, SYNC, RENAME, LINK, UNLINK, MKDIR, RMDIR };

struct record {
    uint32_t kind, path_length, to_length, data_length;
    uint64_t inode, offset, length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[PATH_MAX];
static size_t root_length;
static int log_file = -1, torn, with_data;
static long count, kill_at, only_kind = -1;
static const char *only_path;

/* The calls as the C library has them, under names of their own. */
#define REAL(type, name, ...) static type (*real_##name)(__VA_ARGS__)
REAL(int, openat64, int, const char *, int, ...);
REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
REAL(ssize_t, write, int, const void *, size_t);
REAL(ssize_t, writev, int, const struct iovec *, int);
REAL(ssize_t, pwritev64, int, const struct iovec *, int, off64_t);
REAL(ssize_t, sendfile64, int, int, off64_t *, size_t);
REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
REAL(int, ftruncate64, int, off64_t);
REAL(int, posix_fallocate64, int, off64_t, off64_t);
REAL(int, fsync, int);
REAL(int, fdatasync, int);
REAL(int, renameat2, int, const char *, int, const char *, unsigned);
REAL(int, linkat, int, const char *, int, const char *, int);
REAL(int, unlinkat, int, const char *, int);
REAL(int, mkdirat, int, const char *, mode_t);

__attribute__((constructor)) static void find(void)
{
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)
    FIND(openat64); FIND(pwrite64); FIND(write); FIND(writev); FIND(pwritev64);
    FIND(sendfile64); FIND(copy_file_range); FIND(ftruncate64);
    FIND(posix_fallocate64); FIND(fsync); FIND(fdatasync); FIND(renameat2);
    FIND(linkat); FIND(unlinkat); FIND(mkdirat);
}

int watch_calls(const char *folder, const char *log, long fatal, long kind,
                const char *pattern, int is_torn, int has_data)
{
    if (!realpath(folder, root))
        return -1;
    root_length = strlen(root);
    kill_at = fatal;
    only_kind = kind;
    only_path = pattern ? strdup(pattern) : NULL;
    torn = is_torn;
    with_data = has_data;
    log_file = syscall(SYS_openat, AT_FDCWD, log,
                       O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return log_file < 0 ? -1 : 0;
}

/* Where a call goes */

static int is_below(const char *path)
{
    return log_file >= 0 && !strncmp(path, root, root_length)
        && (path[root_length] == '/' || !path[root_length]);
}

static int path_of(int file, char *path)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_below(path);
}

static int full_path(int folder, const char *name, char *path)
{
    char above[PATH_MAX];
    if (log_file < 0 || !name)
        return 0;
    if (name[0] == '/')
        snprintf(path, PATH_MAX, "%s", name);
    else {
        if (folder == AT_FDCWD ? !getcwd(above, sizeof above)
                               : (path_of(folder, above), above[0] != '/'))
            return 0;
        snprintf(path, PATH_MAX, "%.2000s/%.2000s", above, name);
    }
    return is_below(path);
}

static uint64_t inode_of(int file)
{
    struct stat status;
    return fstat(file, &status) ? 0 : status.st_ino;
}

/* Records */

static void put(const void *bytes, size_t length)
{
    while (length) {
        ssize_t done = syscall(SYS_write, log_file, bytes, length);
        if (done <= 0)
            abort();
        bytes = (const char *)bytes + done;
        length -= done;
    }
}

/* Whether a call is one of those that are counted. */
static int counts(enum kind kind, const char *path)
{
    return (only_kind < 0 || (long)kind == only_kind)
        && (!only_path || !fnmatch(only_path, path + root_length, FNM_PATHNAME));
}

/* Note a call that was done, and die if this is the one. Under the lock. */
static void note(enum kind kind, const char *path, const char *to, uint64_t inode,
                 uint64_t offset, uint64_t length, int from)
{
    int error = errno;
    struct record record = {kind, strlen(path), to ? strlen(to) : 0, 0,
                            inode, offset, length};
    char *data = NULL;
    if (kind == WRITE && with_data) { /* read back: the same for each kind of write */
        char own[64];
        snprintf(own, sizeof own, "/proc/self/fd/%d", from);
        int file = syscall(SYS_openat, AT_FDCWD, own, O_RDONLY | O_CLOEXEC, 0);
        data = malloc(length);
        if (file < 0 || !data || pread(file, data, length, offset) != (ssize_t)length)
            abort();
        syscall(SYS_close, file);
        record.data_length = length;
    }
    put(&record, sizeof record);
    put(path, record.path_length);
    put(to ? to : "", record.to_length);
    put(data, record.data_length);
    free(data);
    if (counts(kind, path) && ++count == kill_at) {
        kill(getpid(), SIGKILL);
        for (;;)
            pause();
    }
    errno = error;
}

/* Writes */

static void wrote(int file, const char *path, ssize_t done, off64_t at)
{
    if (done > 0)
        note(WRITE, path, NULL, inode_of(file),
             at < 0 ? lseek64(file, 0, SEEK_CUR) - done : at, done, file);
}

#define WRITING(file, at, length, plain)                                                \
    char path[PATH_MAX];                                                                \
    if (!path_of(file, path))                                                           \
        return plain;                                                                   \
    pthread_mutex_lock(&lock);                                                          \
    if (torn && counts(WRITE, path) && count + 1 == kill_at)                            \
        length = (length + 1) / 2;                                                      \
    ssize_t done = plain;                                                               \
    wrote(file, path, done, at);                                                        \
    pthread_mutex_unlock(&lock);                                                        \
    return done

ssize_t write(int file, const void *bytes, size_t length)
{
    WRITING(file, -1, length, real_write(file, bytes, length));
}
ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at)
{
    WRITING(file, at, length, real_pwrite64(file, bytes, length, at));
}
ssize_t pwrite(int file, const void *bytes, size_t length, off_t at)
{
    return pwrite64(file, bytes, length, at);
}
ssize_t writev(int file, const struct iovec *parts, int many)
{
    WRITING(file, -1, many, real_writev(file, parts, many));
}
ssize_t pwritev64(int file, const struct iovec *parts, int many, off64_t at)
{
    WRITING(file, at, many, real_pwritev64(file, parts, many, at));
}
ssize_t pwritev(int file, const struct iovec *parts, int many, off_t at)
{
    return pwritev64(file, parts, many, at);
}
ssize_t sendfile64(int file, int from, off64_t *at, size_t length)
{
    WRITING(file, -1, length, real_sendfile64(file, from, at, length));
}
ssize_t sendfile(int file, int from, off_t *at, size_t length)
{
    return sendfile64(file, from, at, length);
}
ssize_t copy_file_range(int from, off64_t *from_at, int file, off64_t *to_at,
                        size_t length, unsigned flags)
{
    off64_t at = to_at ? *to_at : -1;
    WRITING(file, at, length,
            real_copy_file_range(from, from_at, file, to_at, length, flags));
}

/* Other calls on open files */

#define ON_FILE(kind, file, length, plain)                                              \
    char path[PATH_MAX];                                                                \
    if (!path_of(file, path))                                                           \
        return plain;                                                                   \
    pthread_mutex_lock(&lock);                                                          \
    int answer = plain;                                                                 \
    if (!answer)                                                                        \
        note(kind, path, NULL, inode_of(file), 0, length, -1);                          \
    pthread_mutex_unlock(&lock);                                                        \
    return answer

int ftruncate64(int file, off64_t length)
{
    ON_FILE(TRUNCATE, file, length, real_ftruncate64(file, length));
}
int ftruncate(int file, off_t length) { return ftruncate64(file, length); }
int posix_fallocate64(int file, off64_t at, off64_t length)
{
    struct stat status;
    off64_t size = fstat(file, &status) ? 0 : status.st_size;
    off64_t end = at + length > size ? at + length : size;
    ON_FILE(TRUNCATE, file, end, real_posix_fallocate64(file, at, length));
}
int posix_fallocate(int file, off_t at, off_t length)
{
    return posix_fallocate64(file, at, length);
}
int fsync(int file) { ON_FILE(SYNC, file, 0, real_fsync(file)); }
int fdatasync(int file) { ON_FILE(SYNC, file, 0, real_fdatasync(file)); }

/* Names */

int openat64(int folder, const char *name, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    char path[PATH_MAX];
    if (!(flags & (O_CREAT | O_TRUNC)) || !full_path(folder, name, path))
        return real_openat64(folder, name, flags, mode);
    pthread_mutex_lock(&lock);
    struct stat status;
    int is_new = stat(path, &status) != 0;
    int file = real_openat64(folder, name, flags, mode);
    if (file >= 0 && is_new)
        note(CREATE, path, NULL, inode_of(file), 0, 0, -1);
    else if (file >= 0 && (flags & O_TRUNC) && status.st_size)
        note(TRUNCATE, path, NULL, inode_of(file), 0, 0, -1);
    pthread_mutex_unlock(&lock);
    return file;
}
#define OPENED(folder, name)                                                            \
    va_list rest;                                                                       \
    va_start(rest, flags);                                                              \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;           \
    va_end(rest);                                                                       \
    return openat64(folder, name, flags, mode)
int openat(int folder, const char *name, int flags, ...) { OPENED(folder, name); }
int open64(const char *name, int flags, ...) { OPENED(AT_FDCWD, name); }
int open(const char *name, int flags, ...) { OPENED(AT_FDCWD, name); }

#define ON_NAMES(kind, is_ours, to, plain)                                              \
    if (!(is_ours))                                                                     \
        return plain;                                                                   \
    pthread_mutex_lock(&lock);                                                          \
    int answer = plain;                                                                 \
    if (!answer)                                                                        \
        note(kind, path, to, 0, 0, 0, -1);                                              \
    pthread_mutex_unlock(&lock);                                                        \
    return answer

int renameat2(int folder, const char *name, int other, const char *to, unsigned flags)
{
    char path[PATH_MAX], path_to[PATH_MAX];
    int is_ours = full_path(folder, name, path) & full_path(other, to, path_to);
    ON_NAMES(RENAME, is_ours, path_to, real_renameat2(folder, name, other, to, flags));
}
int renameat(int folder, const char *name, int other, const char *to)
{
    return renameat2(folder, name, other, to, 0);
}
int rename(const char *name, const char *to)
{
    return renameat2(AT_FDCWD, name, AT_FDCWD, to, 0);
}
int linkat(int folder, const char *name, int other, const char *to, int flags)
{
    char path[PATH_MAX], path_to[PATH_MAX];
    int is_ours = full_path(folder, name, path) & full_path(other, to, path_to);
    ON_NAMES(LINK, is_ours, path_to, real_linkat(folder, name, other, to, flags));
}
int link(const char *name, const char *to)
{
    return linkat(AT_FDCWD, name, AT_FDCWD, to, 0);
}
int unlinkat(int folder, const char *name, int flags)
{
    char path[PATH_MAX];
    ON_NAMES(flags & AT_REMOVEDIR ? RMDIR : UNLINK, full_path(folder, name, path), NULL,
             real_unlinkat(folder, name, flags));
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }
int remove(const char *name)
{
    struct stat status;
    return !lstat(name, &status) && S_ISDIR(status.st_mode) ? rmdir(name) : unlink(name);
}
int mkdirat(int folder, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    ON_NAMES(MKDIR, full_path(folder, name, path), NULL,
             real_mkdirat(folder, name, mode));
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }

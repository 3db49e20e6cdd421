/* Preloaded into a process, numbers each call that changes something outside of it, or takes in an
 * answer: writes, syncs, renames, links, unlinks, creating opens, locks, and what goes over sockets.
 * Each call is of a kind (journal, log, token, state, send, order, receive), told by the path or by
 * what the descriptor is; files outside of the plan's root are nobody's business and not numbered.
 * At the call that the plan names, the process kills or stops itself: before the call, in the midst
 * of it (half of the bytes are written or sent), or after it.
 *
 * The plan is a file that is mapped, so a test reads the numbers while the process runs and after it
 * was killed. It is taken from $TEST_KILL_AT at the start, or from kill_at_arm(path) at any time,
 * which begins a new numbering: so a forked child has one of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define TRACE 65536
#define ROOT 3968

enum mode { COUNT, BEFORE, HALF, AFTER, STOP };

struct plan {
    int mode;        /* what to do at the call that is meant: one of enum mode */
    int kind;        /* count calls of this kind (a letter of KINDS), or 0: all of them */
    int number;      /* the call that is meant, from 1 */
    int calls;       /* here the shim counts: all calls, */
    int matching;    /* those of the kind that is meant, */
    int fired;       /* and whether it came to the one that is meant */
    int padding[26];
    char root[ROOT]; /* only files below this folder are numbered */
    unsigned char trace[TRACE]; /* a letter for each call, 128 more where it has halves */
};

static struct plan *plan;

int kill_at_arm(const char *path)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -1;
    void *found = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (found == MAP_FAILED)
        return -1;
    plan = found;
    return 0;
}

__attribute__((constructor)) static void arm_from_environment(void)
{
    const char *path = getenv("TEST_KILL_AT");
    if (path)
        kill_at_arm(path);
}

/* -- kinds --------------------------------------------------------------------------------- */

static char kind_of_path(const char *path)
{
    size_t length = strlen(plan->root);
    if (strncmp(path, plan->root, length) != 0)
        return 0;
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    if (strncmp(name, "journal.db", 10) == 0)
        return 'j';
    if (strncmp(name, "bot.log", 7) == 0)
        return 'l';
    return strstr(name, "token") ? 't' : 's';
}

static char kind_of_file(int fd, int is_send)
{
    char link[64], path[4096];
    if (!plan)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    if (strncmp(path, "socket:", 7) == 0)
        return is_send ? '>' : '<';
    return kind_of_path(path);
}

static char kind_of_name(int folder, const char *path)
{
    char there[4096], link[64], whole[8192];
    if (!plan || !path)
        return 0;
    if (path[0] == '/')
        return kind_of_path(path);
    ssize_t length;
    if (folder == AT_FDCWD) {
        if (!getcwd(there, sizeof there))
            return 0;
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        length = readlink(link, there, sizeof there - 1);
        if (length < 0)
            return 0;
        there[length] = 0;
    }
    snprintf(whole, sizeof whole, "%s/%s", there, path);
    return kind_of_path(whole);
}

/* The head of the request that places an order. */
static char kind_of_bytes(char kind, const void *data, size_t size)
{
    static const char verb[] = "POST ", path[] = "/trade/v2/orders HTTP";
    const char *end;
    if (kind != '>' || size < sizeof verb || memcmp(data, verb, sizeof verb - 1) != 0)
        return kind;
    end = memchr(data, '\r', size);
    return memmem(data, end ? (size_t)(end - (const char *)data) : size, path, sizeof path - 1)
               ? 'o'
               : kind;
}

/* -- the call that is meant ---------------------------------------------------------------- */

static void hit(int number)
{
    syscall(SYS_kill, (pid_t)syscall(SYS_getpid), number);
}

/* Number this call; what is to be done about it. Dies here where that is before the call. */
static int meet(char kind, int has_halves)
{
    int saved = errno;
    if (!plan || !kind)
        return COUNT;
    int call = __atomic_fetch_add(&plan->calls, 1, __ATOMIC_SEQ_CST);
    if (call < TRACE)
        plan->trace[call] = (unsigned char)(has_halves ? kind | 128 : kind);
    if (plan->kind && plan->kind != kind)
        return COUNT;
    int number = __atomic_add_fetch(&plan->matching, 1, __ATOMIC_SEQ_CST);
    if (plan->mode == COUNT || number != plan->number)
        return COUNT;
    plan->fired = 1;
    if (plan->mode == BEFORE)
        hit(SIGKILL);
    if (plan->mode == STOP)
        hit(SIGSTOP);
    errno = saved;
    return plan->mode;
}

static long leave(int mode, long result)
{
    if (mode == AFTER || mode == HALF)
        hit(SIGKILL);
    return result;
}

#define AROUND(kind, call)                                                                         \
    do {                                                                                           \
        int mode = meet(kind, 0);                                                                   \
        if (mode == HALF) /* there are no halves of this: it has not happened */                   \
            hit(SIGKILL);                                                                          \
        return leave(mode, (call));                                                                \
    } while (0)

#define PART(mode, size) ((mode) == HALF ? (size) / 2 : (size))

/* -- files --------------------------------------------------------------------------------- */

ssize_t write(int fd, const void *data, size_t size)
{
    int mode = meet(kind_of_bytes(kind_of_file(fd, 1), data, size), 1);
    return leave(mode, syscall(SYS_write, fd, data, PART(mode, size)));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t where)
{
    int mode = meet(kind_of_file(fd, 1), 1);
    return leave(mode, syscall(SYS_pwrite64, fd, data, PART(mode, size), where));
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t where)
{
    return pwrite64(fd, data, size, where);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    int mode = meet(kind_of_file(fd, 1), 1);
    if (mode == HALF)
        return leave(mode, syscall(SYS_write, fd, parts[0].iov_base, parts[0].iov_len / 2));
    return leave(mode, syscall(SYS_writev, fd, parts, count));
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t where)
{
    int mode = meet(kind_of_file(fd, 1), 1);
    if (mode == HALF)
        return leave(
            mode, syscall(SYS_pwrite64, fd, parts[0].iov_base, parts[0].iov_len / 2, where));
    return leave(mode, syscall(SYS_pwritev, fd, parts, count, (long)where, 0L));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t where)
{
    return pwritev64(fd, parts, count, where);
}

int ftruncate64(int fd, off64_t size)
{
    AROUND(kind_of_file(fd, 1), (int)syscall(SYS_ftruncate, fd, size));
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

int fsync(int fd)
{
    AROUND(kind_of_file(fd, 1), (int)syscall(SYS_fsync, fd));
}

int fdatasync(int fd)
{
    AROUND(kind_of_file(fd, 1), (int)syscall(SYS_fdatasync, fd));
}

int flock(int fd, int operation)
{
    AROUND(kind_of_file(fd, 1), (int)syscall(SYS_flock, fd, operation));
}

/* -- names --------------------------------------------------------------------------------- */

static int open_at(int folder, const char *path, int flags, mode_t bits)
{
    char kind = flags & O_CREAT ? kind_of_name(folder, path) : 0;
    AROUND(kind, (int)syscall(SYS_openat, folder, path, flags, bits));
}

#define BITS(flags, last)                                                                          \
    mode_t bits = 0;                                                                               \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                         \
        va_list more;                                                                              \
        va_start(more, last);                                                                      \
        bits = va_arg(more, mode_t);                                                               \
        va_end(more);                                                                              \
    }

int open(const char *path, int flags, ...)
{
    BITS(flags, flags);
    return open_at(AT_FDCWD, path, flags, bits);
}

int open64(const char *path, int flags, ...)
{
    BITS(flags, flags);
    return open_at(AT_FDCWD, path, flags, bits);
}

int openat(int folder, const char *path, int flags, ...)
{
    BITS(flags, flags);
    return open_at(folder, path, flags, bits);
}

int openat64(int folder, const char *path, int flags, ...)
{
    BITS(flags, flags);
    return open_at(folder, path, flags, bits);
}

int mkdir(const char *path, mode_t bits)
{
    AROUND(kind_of_name(AT_FDCWD, path), (int)syscall(SYS_mkdirat, AT_FDCWD, path, bits));
}

int renameat2(int from, const char *old, int to, const char *new, unsigned int flags)
{
    AROUND(kind_of_name(to, new), (int)syscall(SYS_renameat2, from, old, to, new, flags));
}

int renameat(int from, const char *old, int to, const char *new)
{
    return renameat2(from, old, to, new, 0);
}

int rename(const char *old, const char *new)
{
    return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int linkat(int from, const char *old, int to, const char *new, int flags)
{
    AROUND(kind_of_name(to, new), (int)syscall(SYS_linkat, from, old, to, new, flags));
}

int link(const char *old, const char *new)
{
    return linkat(AT_FDCWD, old, AT_FDCWD, new, 0);
}

int unlinkat(int folder, const char *path, int flags)
{
    AROUND(kind_of_name(folder, path), (int)syscall(SYS_unlinkat, folder, path, flags));
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

/* -- sockets ------------------------------------------------------------------------------- */

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    AROUND(kind_of_file(fd, 1), (int)syscall(SYS_connect, fd, address, length));
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
               socklen_t length)
{
    int mode = meet(kind_of_bytes(kind_of_file(fd, 1), data, size), 1);
    return leave(mode, syscall(SYS_sendto, fd, data, PART(mode, size), flags, to, length));
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    return sendto(fd, data, size, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    AROUND(kind_of_file(fd, 1), syscall(SYS_sendmsg, fd, message, flags));
}

/* Half of an answer is one that came and was not read to its end. */
ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *from,
                 socklen_t *length)
{
    int mode = meet(kind_of_file(fd, 0), 1);
    return leave(mode, syscall(SYS_recvfrom, fd, data, PART(mode, size), flags, from, length));
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    return recvfrom(fd, data, size, flags, NULL, NULL);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    AROUND(kind_of_file(fd, 0), syscall(SYS_recvmsg, fd, message, flags));
}

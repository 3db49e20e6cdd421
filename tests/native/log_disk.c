/* Preloaded into a process, makes its disk bad: each write() to a file called bot.log takes a while,
 * fails, or takes half of what it is given. What it does is four ints at the beginning of the file
 * that $TEST_LOG_DISK names; the file is mapped, so a test changes it while the process runs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct orders {
    int milliseconds; /* each write takes so long, */
    int error;        /* then fails with this errno, if it is not 0, */
    int halves;       /* or, so many times, takes half, or all but the last byte if negative; */
    int begun;        /* the shim counts the writes here */
};

static volatile struct orders *orders;

__attribute__((constructor)) static void map_orders(void)
{
    const char *path = getenv("TEST_LOG_DISK");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *found = mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (found != MAP_FAILED)
        orders = found;
}

static int is_the_log(int fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return strstr(path, "/bot.log") != NULL;
}

static void sleep_for(int milliseconds)
{
    struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

ssize_t write(int fd, const void *data, size_t size)
{
    if (orders && is_the_log(fd)) {
        __atomic_add_fetch(&orders->begun, 1, __ATOMIC_SEQ_CST);
        if (orders->milliseconds)
            sleep_for(orders->milliseconds);
        if (orders->error) {
            errno = orders->error;
            return -1;
        }
        if (orders->halves > 0) {
            orders->halves--;
            size /= 2;
        } else if (orders->halves < 0) {
            orders->halves++;
            size -= 1;
        }
    }
    return syscall(SYS_write, fd, data, size);
}

/* Preloaded into a process, moves its wall clock alone: monotonic clocks, sleeps, timeouts and the
 * times of files stay real. A timer for a moment of the wall clock goes off at the moved moment, as
 * the offset was when it was set. The offset in seconds is a double at the beginning of the file that
 * $TEST_WALL_CLOCK names; the file is mapped, so a test moves the clock while the process runs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const volatile double *offset;

__attribute__((constructor)) static void map_offset(void)
{
    const char *path = getenv("TEST_WALL_CLOCK");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *found = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (found != MAP_FAILED)
        offset = found;
}

static void add(struct timespec *time, double seconds)
{
    double whole = floor(seconds);
    time->tv_sec += (time_t)whole;
    time->tv_nsec += (long)((seconds - whole) * 1e9);
    if (time->tv_nsec >= 1000000000L) {
        time->tv_nsec -= 1000000000L;
        time->tv_sec++;
    }
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        add(time, offset ? *offset : 0);
    return result;
}

int gettimeofday(struct timeval *time, void *zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *where)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where)
        *where = now.tv_sec;
    return now.tv_sec;
}

static int is_of_the_wall_clock(int fd)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    int info = open(path, O_RDONLY | O_CLOEXEC), clock = -1;
    ssize_t length = info < 0 ? -1 : read(info, text, sizeof text - 1);
    if (info >= 0)
        close(info);
    if (length < 0)
        return 0;
    text[length] = 0;
    const char *found = strstr(text, "clockid:");
    return found && sscanf(found, "clockid: %d", &clock) == 1 && clock == CLOCK_REALTIME;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *given, struct itimerspec *old)
{
    struct itimerspec moved = *given;
    /* 0 disarms; the end of time is the wish to hear of a clock that is set. */
    int armed = (given->it_value.tv_sec || given->it_value.tv_nsec) &&
                given->it_value.tv_sec < (time_t)1 << 40;
    if (offset && armed && flags & TFD_TIMER_ABSTIME && is_of_the_wall_clock(fd)) {
        add(&moved.it_value, -*offset);
        if (moved.it_value.tv_sec < 0)
            moved.it_value = (struct timespec){0, 1};
    }
    return (int)syscall(SYS_timerfd_settime, fd, flags, &moved, old);
}

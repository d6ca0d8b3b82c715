/* Loaded before libc by `--slow-flush`: every flush to the disk takes a millisecond more, as on a slower device. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static void wait_a_millisecond(void)
{
    struct timespec left = {0, 1000000};
    while (nanosleep(&left, &left) != 0)
        ;
}

int fdatasync(int file)
{
    static int (*next)(int);
    if (!next)
        next = (int (*)(int)) dlsym(RTLD_NEXT, "fdatasync");
    wait_a_millisecond();
    return next(file);
}

int fsync(int file)
{
    static int (*next)(int);
    if (!next)
        next = (int (*)(int)) dlsym(RTLD_NEXT, "fsync");
    wait_a_millisecond();
    return next(file);
}

/* A disk that fails on purpose: preloaded below the library, it counts the calls on files of one
 * folder, and lets the nth of them, or so many from the nth on (0: all), fail, come short, sleep or
 * be the last thing that the process does. Everything else goes through. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, READ = 2, WRITE = 4, SYNC = 8, CUT = 16, MAP = 32, NAME = 64, STAT = 128 };
enum { FAIL, SHORT, TORN, SLOW, KILL, KILL_TORN };
enum { FILES = 65536, LONGEST = 4096 };

static char folder[LONGEST];
static atomic_size_t folder_length;
static atomic_char ours[FILES];
static atomic_int calls, how, error, times;
static atomic_long nth, seen, hits;

/* What the tests steer it with. */

void fault_watch(const char *path)
{
    atomic_store(&folder_length, 0);
    size_t length = strlen(path);
    if (length < LONGEST) {
        memcpy(folder, path, length + 1);
        atomic_store(&folder_length, length);
    }
}

void fault_arm(int which, int manner, long number, int how_often, int code)
{
    atomic_store(&calls, 0);
    atomic_store(&how, manner);
    atomic_store(&error, code);
    atomic_store(&times, how_often);
    atomic_store(&nth, number);
    atomic_store(&seen, 0);
    atomic_store(&hits, 0);
    atomic_store(&calls, which);
}

long fault_disarm(void)
{
    atomic_store(&calls, 0);
    return atomic_load(&hits);
}

long fault_seen(void)
{
    return atomic_load(&seen);
}

__attribute__((constructor)) static void from_environment(void)
{
    const char *path = getenv("FAULT_FOLDER"), *plan = getenv("FAULT_PLAN");
    if (path)
        fault_watch(path);
    if (plan) {
        int which = (int)strtol(plan, (char **)&plan, 10);
        int manner = (int)strtol(plan, (char **)&plan, 10);
        fault_arm(which, manner, strtol(plan, NULL, 10), 1, EIO);
    }
}

/* What becomes of one call: nothing, or one of the manners. */

static int fate(int call)
{
    if (!(atomic_load(&calls) & call))
        return -1;
    long number = atomic_fetch_add(&seen, 1) + 1, at = atomic_load(&nth);
    int manner = atomic_load(&how), often = atomic_load(&times);
    if (number < at || (often && number >= at + often))
        return -1;
    atomic_fetch_add(&hits, 1);
    if (manner == TORN && number > at)
        return FAIL;
    if (manner == KILL || (manner == KILL_TORN && call != WRITE))
        raise(SIGKILL);
    if (manner == SLOW) {
        struct timespec time = { 0, 1000000L * atomic_load(&error) };
        nanosleep(&time, NULL);
        return -1;
    }
    return manner;
}

static int is_ours(int file)
{
    return file >= 0 && file < FILES && atomic_load(&ours[file]);
}

static int is_below(const char *path)
{
    size_t length = atomic_load(&folder_length);
    return length && path && !strncmp(path, folder, length);
}

static void note(int file, int mine)
{
    if (file >= 0 && file < FILES)
        atomic_store(&ours[file], mine);
}

#define REAL(type, name, ...)                                  \
    static type (*real)(__VA_ARGS__);                          \
    if (!real)                                                 \
    real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define FAILED (errno = atomic_load(&error), -1)

#define OPENER(name)                                           \
    int name(const char *path, int flags, ...)                 \
    {                                                          \
        REAL(int, #name, const char *, int, ...);              \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = va_arg(more, mode_t);                    \
        va_end(more);                                          \
        int mine = is_below(path);                             \
        if (mine && fate(OPEN) == FAIL)                        \
            return FAILED;                                     \
        int file = real(path, flags, mode);                    \
        note(file, mine);                                      \
        return file;                                           \
    }
OPENER(open)
OPENER(open64)

#define OPENER_AT(name)                                        \
    int name(int at, const char *path, int flags, ...)         \
    {                                                          \
        REAL(int, #name, int, const char *, int, ...);         \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = va_arg(more, mode_t);                    \
        va_end(more);                                          \
        int mine = is_below(path);                             \
        if (mine && fate(OPEN) == FAIL)                        \
            return FAILED;                                     \
        int file = real(at, path, flags, mode);                \
        note(file, mine);                                      \
        return file;                                           \
    }
OPENER_AT(openat)
OPENER_AT(openat64)

int close(int file)
{
    REAL(int, "close", int);
    note(file, 0);
    return real(file);
}

/* Half of it, and at least one byte. */
static size_t half(size_t size)
{
    return size > 1 ? size / 2 : size;
}

ssize_t read(int file, void *to, size_t size)
{
    REAL(ssize_t, "read", int, void *, size_t);
    int manner = is_ours(file) ? fate(READ) : -1;
    return manner == FAIL ? FAILED : real(file, to, manner == SHORT ? half(size) : size);
}

#define READER_AT(name, offset)                                \
    ssize_t name(int file, void *to, size_t size, offset at)   \
    {                                                          \
        REAL(ssize_t, #name, int, void *, size_t, offset);     \
        int manner = is_ours(file) ? fate(READ) : -1;          \
        return manner == FAIL ? FAILED                         \
                              : real(file, to, manner == SHORT ? half(size) : size, at); \
    }
READER_AT(pread, off_t)
READER_AT(pread64, off64_t)

ssize_t write(int file, const void *from, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    int manner = is_ours(file) ? fate(WRITE) : -1;
    if (manner == FAIL)
        return FAILED;
    ssize_t written = real(file, from, manner >= 0 ? half(size) : size);
    if (manner == KILL_TORN)
        raise(SIGKILL);
    return written;
}

#define WRITER_AT(name, offset)                                      \
    ssize_t name(int file, const void *from, size_t size, offset at) \
    {                                                                \
        REAL(ssize_t, #name, int, const void *, size_t, offset);     \
        int manner = is_ours(file) ? fate(WRITE) : -1;               \
        if (manner == FAIL)                                          \
            return FAILED;                                           \
        ssize_t written = real(file, from, manner >= 0 ? half(size) : size, at); \
        if (manner == KILL_TORN)                                     \
            raise(SIGKILL);                                          \
        return written;                                              \
    }
WRITER_AT(pwrite, off_t)
WRITER_AT(pwrite64, off64_t)

#define ON_FILE(call, name)                                    \
    int name(int file)                                         \
    {                                                          \
        REAL(int, #name, int);                                 \
        return is_ours(file) && fate(call) == FAIL ? FAILED : real(file); \
    }
ON_FILE(SYNC, fsync)
ON_FILE(SYNC, fdatasync)

#define CUTTER(name, offset)                                   \
    int name(int file, offset size)                            \
    {                                                          \
        REAL(int, #name, int, offset);                         \
        return is_ours(file) && fate(CUT) == FAIL ? FAILED : real(file, size); \
    }
CUTTER(ftruncate, off_t)
CUTTER(ftruncate64, off64_t)

#define MAPPER(name, offset)                                                       \
    void *name(void *where, size_t size, int rights, int flags, int file, offset at) \
    {                                                                              \
        REAL(void *, #name, void *, size_t, int, int, int, offset);                \
        if (is_ours(file) && fate(MAP) == FAIL)                                    \
            return errno = atomic_load(&error), MAP_FAILED;                        \
        return real(where, size, rights, flags, file, at);                         \
    }
MAPPER(mmap, off_t)
MAPPER(mmap64, off64_t)

int rename(const char *from, const char *to)
{
    REAL(int, "rename", const char *, const char *);
    return is_below(from) && fate(NAME) == FAIL ? FAILED : real(from, to);
}

int unlink(const char *path)
{
    REAL(int, "unlink", const char *);
    return is_below(path) && fate(NAME) == FAIL ? FAILED : real(path);
}

int statx(int at, const char *restrict path, int flags, unsigned mask, struct statx *restrict to)
{
    REAL(int, "statx", int, const char *, int, unsigned, struct statx *);
    /* Rust asks with NULL whether there is such a call; the header promises that nobody does. */
    const char *volatile given = path;
    int mine = given && (is_below(given) || (!*given && is_ours(at)));
    return mine && fate(STAT) == FAIL ? FAILED : real(at, path, flags, mask, to);
}

#define STATTER(name, kind)                                    \
    int name(const char *restrict path, struct kind *restrict to) \
    {                                                          \
        REAL(int, #name, const char *, struct kind *);         \
        return is_below(path) && fate(STAT) == FAIL ? FAILED : real(path, to); \
    }
STATTER(stat, stat)
STATTER(stat64, stat64)
STATTER(lstat, stat)
STATTER(lstat64, stat64)

#define FILE_STATTER(name, kind)                               \
    int name(int file, struct kind *to)                        \
    {                                                          \
        REAL(int, #name, int, struct kind *);                  \
        return is_ours(file) && fate(STAT) == FAIL ? FAILED : real(file, to); \
    }
FILE_STATTER(fstat, stat)
FILE_STATTER(fstat64, stat64)

/* A disk that loses power: preloaded below the library, it records in the order in which they end
 * what is written to files of one folder, flushed, cut, named, and what the process says. What a
 * power cut leaves of that, power.rs makes of the record. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WRITE = 1, SYNC, CUT, CREATE, RENAME, UNLINK, SYNC_FOLDER, MARK };
enum { FILES = 65536, LONGEST = 4096, SHARED = 4096 };

struct head {
    uint32_t kind, length;
    uint64_t inode, at;
};

static char folder[LONGEST];
static size_t folder_length;
static int record_file = -1;
static uint64_t count;
static ino_t inodes[FILES];
static char is_folder[FILES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Memory that is shared with a file, and how it was last. */
static char *shared;
static ino_t shared_inode;
static char shared_before[SHARED];

static void put(const void *bytes, size_t length)
{
    while (length > 0) {
        ssize_t done = syscall(SYS_write, record_file, bytes, length);
        if (done <= 0)
            abort();
        bytes = (const char *)bytes + done;
        length -= (size_t)done;
    }
}

static void put_record(uint32_t kind, ino_t inode, uint64_t at, const void *bytes, size_t length)
{
    struct head head = { kind, (uint32_t)length, inode, at };
    put(&head, sizeof head);
    put(bytes, length);
    count++;
}

/* No write tells of a change of shared memory: it is looked at before everything else. */
static void record(uint32_t kind, ino_t inode, uint64_t at, const void *bytes, size_t length)
{
    pthread_mutex_lock(&lock);
    if (shared && memcmp(shared, shared_before, SHARED)) {
        memcpy(shared_before, shared, SHARED);
        put_record(WRITE, shared_inode, 0, shared_before, SHARED);
    }
    put_record(kind, inode, at, bytes, length);
    pthread_mutex_unlock(&lock);
}

static uint64_t so_far(void)
{
    pthread_mutex_lock(&lock);
    uint64_t now = count;
    pthread_mutex_unlock(&lock);
    return now;
}

void power_mark(const char *word)
{
    if (record_file >= 0)
        record(MARK, 0, 0, word, strlen(word));
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("POWER_FOLDER"), *to = getenv("POWER_RECORD");
    if (!path || !to)
        return;
    folder_length = strlen(path);
    memcpy(folder, path, folder_length + 1);
    record_file = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The name of a file in the folder that is recorded; NULL for all others. */
static const char *name_of(const char *path)
{
    if (record_file < 0 || !path || strncmp(path, folder, folder_length) || path[folder_length] != '/')
        return NULL;
    const char *name = path + folder_length + 1;
    size_t length = strlen(name);
    int is_index = length > 4 && !strcmp(name + length - 4, "-shm");
    return is_index || !strcmp(name, "lock") ? NULL : name;
}

static int opened(int file, const char *path, int flags, int existed)
{
    if (file < 0 || file >= FILES)
        return file;
    inodes[file] = 0;
    is_folder[file] = record_file >= 0 && path && !strcmp(path, folder);
    const char *name = name_of(path);
    struct stat state;
    if (name && !fstat(file, &state)) {
        inodes[file] = state.st_ino;
        if (!existed)
            record(CREATE, state.st_ino, 0, name, strlen(name));
        else if (flags & O_TRUNC)
            record(CUT, state.st_ino, 0, NULL, 0);
    }
    return file;
}

#define REAL(type, name, ...)                                  \
    static type (*real)(__VA_ARGS__);                          \
    if (!real)                                                 \
    real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define OPENER(name)                                           \
    int name(const char *path, int flags, ...)                 \
    {                                                          \
        REAL(int, #name, const char *, int, ...);              \
        va_list more;                                          \
        va_start(more, flags);                                 \
        mode_t mode = va_arg(more, mode_t);                    \
        va_end(more);                                          \
        int existed = name_of(path) && !access(path, F_OK);    \
        return opened(real(path, flags, mode), path, flags, existed); \
    }
OPENER(open)
OPENER(open64)

int close(int file)
{
    REAL(int, "close", int);
    if (file >= 0 && file < FILES)
        inodes[file] = 0, is_folder[file] = 0;
    return real(file);
}

static ino_t inode_of(int file)
{
    return file >= 0 && file < FILES ? inodes[file] : 0;
}

ssize_t write(int file, const void *from, size_t size)
{
    REAL(ssize_t, "write", int, const void *, size_t);
    ino_t inode = inode_of(file);
    off_t at = inode ? lseek(file, 0, SEEK_CUR) : 0;
    ssize_t written = real(file, from, size);
    if (inode && written > 0)
        record(WRITE, inode, (uint64_t)at, from, (size_t)written);
    return written;
}

#define WRITER_AT(name, offset)                                      \
    ssize_t name(int file, const void *from, size_t size, offset at) \
    {                                                                \
        REAL(ssize_t, #name, int, const void *, size_t, offset);     \
        ssize_t written = real(file, from, size, at);                \
        if (inode_of(file) && written > 0)                           \
            record(WRITE, inode_of(file), (uint64_t)at, from, (size_t)written); \
        return written;                                              \
    }
WRITER_AT(pwrite, off_t)
WRITER_AT(pwrite64, off64_t)

#define FLUSHER(name)                                          \
    int name(int file)                                         \
    {                                                          \
        REAL(int, #name, int);                                 \
        uint64_t before = so_far();                            \
        int result = real(file);                               \
        if (!result && inode_of(file))                         \
            record(SYNC, inode_of(file), before, NULL, 0);     \
        if (!result && file >= 0 && file < FILES && is_folder[file]) \
            record(SYNC_FOLDER, 0, before, NULL, 0);           \
        return result;                                         \
    }
FLUSHER(fsync)
FLUSHER(fdatasync)

#define CUTTER(name, offset)                                   \
    int name(int file, offset size)                            \
    {                                                          \
        REAL(int, #name, int, offset);                         \
        int result = real(file, size);                         \
        if (!result && inode_of(file))                         \
            record(CUT, inode_of(file), (uint64_t)size, NULL, 0); \
        return result;                                         \
    }
CUTTER(ftruncate, off_t)
CUTTER(ftruncate64, off64_t)

/* Also of a copy of a descriptor that is open. */
static ino_t inode_behind(int file)
{
    struct stat about;
    if (file < 0 || fstat(file, &about))
        return 0;
    for (int other = 0; other < FILES; other++)
        if (inodes[other] == about.st_ino)
            return about.st_ino;
    return 0;
}

#define MAPPER(name, offset)                                                       \
    void *name(void *where, size_t size, int rights, int flags, int file, offset at) \
    {                                                                              \
        REAL(void *, #name, void *, size_t, int, int, int, offset);                \
        void *mapped = real(where, size, rights, flags, file, at);                 \
        ino_t inode = (flags & MAP_SHARED) ? inode_behind(file) : 0;               \
        if (mapped != MAP_FAILED && inode) {                                       \
            pthread_mutex_lock(&lock);                                             \
            memcpy(shared_before, mapped, SHARED);                                 \
            shared_inode = inode;                                                  \
            shared = mapped;                                                       \
            pthread_mutex_unlock(&lock);                                           \
        }                                                                          \
        return mapped;                                                             \
    }
MAPPER(mmap, off_t)
MAPPER(mmap64, off64_t)

int munmap(void *where, size_t size)
{
    REAL(int, "munmap", void *, size_t);
    if (where == shared && shared) {
        record(MARK, 0, 0, NULL, 0);
        shared = NULL;
    }
    return real(where, size);
}

int msync(void *where, size_t size, int flags)
{
    REAL(int, "msync", void *, size_t, int);
    if (where != shared || !shared)
        return real(where, size, flags);
    record(MARK, 0, 0, NULL, 0);
    uint64_t before = so_far();
    int result = real(where, size, flags);
    if (!result)
        record(SYNC, shared_inode, before, NULL, 0);
    return result;
}

int rename(const char *from, const char *to)
{
    REAL(int, "rename", const char *, const char *);
    int result = real(from, to);
    const char *old = name_of(from), *new = name_of(to);
    if (!result && old && new) {
        char names[2 * LONGEST];
        size_t length = strlen(old) + 1;
        memcpy(names, old, length);
        memcpy(names + length, new, strlen(new));
        record(RENAME, 0, 0, names, length + strlen(new));
    }
    return result;
}

int unlink(const char *path)
{
    REAL(int, "unlink", const char *);
    int result = real(path);
    if (!result && name_of(path))
        record(UNLINK, 0, 0, name_of(path), strlen(name_of(path)));
    return result;
}
